//! What FreeBSD supports of each type.

use super::group::PwGroups;
use super::hostname::RcHostname;
use super::mount;
use super::package::PKG;
use super::repository::REPOS;
use super::service::RcD;
use super::swap::Swapinfo;
use super::timezone::NamedTimezone;
use super::user::PwUsers;
use crate::mounts::TableAndMounts;
use crate::sysctl::Parameters;
use crate::timezone::LinkedTimezone;
use alloc::format;
use vigo_core::action::Command;
use vigo_core::host::posix::{Age, Crontab, Jobs, Ps};
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Installer, Problem, Support};
use vigo_core::resource::cron::Cron;
use vigo_core::resource::hostname::Hostname;
use vigo_core::resource::mount::Mount;
use vigo_core::resource::package::Package;
use vigo_core::resource::process::Process;
use vigo_core::resource::repository::Repository;
use vigo_core::resource::service::Service;
use vigo_core::resource::swap::Swaps;
use vigo_core::resource::sysctl::Sysctl;
use vigo_core::resource::timezone::Timezone;
use vigo_core::resource::{group, user};

/// FreeBSD, DragonFly.
pub struct FreeBsd;

impl Host for FreeBsd {
    fn name(&self) -> &'static str {
        "freebsd"
    }

    fn collectors(&self) -> &'static [vigo_core::traits::Collector] {
        super::traits::COLLECTORS
    }

    fn installer(&self) -> Option<&'static dyn Installer> {
        Some(&super::installer::RcScript)
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn package(&self, _: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
        match manager {
            None | Some("pkg") => Ok(&PKG),
            Some(other) => {
                let message = format!("manager `{other}` of type `package` is not supported on freebsd");
                Err(Problem::unsupported(message))
            }
        }
    }

    fn repository(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Repository>, Problem> {
        Ok(&REPOS)
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&RcD)
    }

    fn process(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Process>, Problem> {
        // ps(1) of DragonFly knows no column for jails.
        const WITHOUT_JAILS: Ps = Ps { tenant: None, ..PROCESSES };
        Ok(if &*facts.distro == "dragonfly" { &WITHOUT_JAILS } else { &PROCESSES })
    }

    fn cron(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Cron>, Problem> {
        Ok(&JOBS)
    }

    fn user(&self, _: &HostFacts) -> Result<&'static dyn Adapter<user::Users>, Problem> {
        Ok(&PwUsers)
    }

    fn group(&self, _: &HostFacts) -> Result<&'static dyn Adapter<group::Groups>, Problem> {
        Ok(&PwGroups)
    }

    fn hostname(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Hostname>, Problem> {
        Ok(&RcHostname)
    }

    fn timezone(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Timezone>, Problem> {
        // tzsetup(8) of DragonFly keeps no name.
        Ok(if &*facts.distro == "dragonfly" { &LinkedTimezone } else { &NamedTimezone })
    }

    fn sysctl(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Sysctl>, Problem> {
        Ok(&Parameters { before_set: &[] })
    }

    fn mount(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Mount>, Problem> {
        Ok(&TableAndMounts { parse: mount::line, disk_names: false })
    }

    fn swap(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Swaps>, Problem> {
        Ok(&Swapinfo)
    }
}

/// ps(1).
const PROCESSES: Ps = Ps {
    system: "freebsd",
    all: "-axww",
    name: "ucomm",
    command: "args",
    age: Age::Elapsed,
    state: "stat",
    start: "lstart",
    tenant: Some("jid"),
    restart: |name| Command::change("/usr/sbin/service", [name, "onerestart"]),
};

/// cron(8) of FreeBSD reads `/etc/cron.d`, DragonFly's does not.
static JOBS: Jobs = Jobs(Crontab::VIXIE);

/// What pw(8) has no way to do.
const USERS: &str = "`password_max_age`, `password_min_age`, `password_warn_days`, `password_inactive_days`";

/// One line a type, in the order of the reference.
#[rustfmt::skip]
static CAPABILITIES: &[Capability] = &[
    Capability { type_name: "file", support: Support::Full, tool: "file operations" },
    Capability { type_name: "directory", support: Support::Full, tool: "file operations" },
    Capability { type_name: "symlink", support: Support::Full, tool: "file operations" },
    Capability { type_name: "file_line", support: Support::Full, tool: "file operations" },
    Capability { type_name: "blockinfile", support: Support::Full, tool: "file operations" },
    Capability { type_name: "replace", support: Support::Full, tool: "file operations" },
    Capability { type_name: "ini", support: Support::Full, tool: "file operations" },
    Capability { type_name: "json_file", support: Support::Full, tool: "file operations" },
    Capability { type_name: "package", support: Support::Partly("`purge`, `allow_downgrade`"), tool: "pkg" },
    Capability { type_name: "repository", support: Support::Partly("`key_fingerprint`"), tool: "/usr/local/etc/pkg/repos" },
    Capability { type_name: "service", support: Support::Partly("`masked`, `scope`, `start_type`, `runlevel`"), tool: "service, sysrc" },
    Capability { type_name: "systemd_unit", support: Support::No, tool: "" },
    Capability { type_name: "systemd_dropin", support: Support::No, tool: "" },
    Capability { type_name: "process", support: Support::Partly("`restart_method: systemctl`"), tool: "ps" },
    Capability { type_name: "exec", support: Support::Full, tool: "sh" },
    Capability { type_name: "user", support: Support::Partly(USERS), tool: "pw" },
    Capability { type_name: "group", support: Support::Full, tool: "pw" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "file operations" },
    Capability { type_name: "cron", support: Support::Full, tool: "/etc/cron.d, crontab" },
    Capability { type_name: "host", support: Support::Full, tool: "file operations" },
    Capability { type_name: "hostname", support: Support::Full, tool: "sysrc, hostname" },
    Capability { type_name: "timezone", support: Support::Full, tool: "/etc/localtime, /var/db/zoneinfo" },
    Capability { type_name: "sysctl", support: Support::Full, tool: "sysctl, /etc/sysctl.conf" },
    Capability { type_name: "mount", support: Support::Full, tool: "mount, /etc/fstab" },
    Capability { type_name: "swap", support: Support::Partly("`priority`"), tool: "swapinfo, swapon, md, /etc/fstab" },
    Capability { type_name: "git", support: Support::Full, tool: "git" },
    Capability { type_name: "custom", support: Support::Full, tool: "executors" },
    Capability { type_name: "registry", support: Support::No, tool: "" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_adapters_agree() {
        assert_eq!(vigo_core::host::contradictions(&FreeBsd), [""; 0]);
    }

    #[test]
    fn other_managers_are_refused() {
        let facts = HostFacts::default();
        assert!(FreeBsd.package(&facts, Some("pkg")).is_ok());
        let refused = FreeBsd.package(&facts, Some("apt")).err().map(|problem| problem.message);
        assert_eq!(refused.as_deref(), Some("manager `apt` of type `package` is not supported on freebsd"));
    }
}
