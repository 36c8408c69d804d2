//! What FreeBSD supports of each type.

use super::package::PKG;
use super::repository::REPOS;
use super::service::RcD;
use alloc::format;
use vigo_core::action::Command;
use vigo_core::host::posix::{Crontab, Jobs, Ps};
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Installer, Problem, Support};
use vigo_core::resource::cron::Cron;
use vigo_core::resource::package::Package;
use vigo_core::resource::process::Process;
use vigo_core::resource::repository::Repository;
use vigo_core::resource::service::Service;

/// FreeBSD, DragonFly.
pub struct FreeBsd;

impl Host for FreeBsd {
    fn name(&self) -> &'static str {
        "freebsd"
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

    fn process(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Process>, Problem> {
        Ok(&PROCESSES)
    }

    fn cron(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Cron>, Problem> {
        Ok(&JOBS)
    }
}

/// ps(1).
static PROCESSES: Ps = Ps {
    system: "freebsd",
    all: "-axww",
    name: "ucomm",
    state: "stat",
    start: "lstart",
    restart: |name| Command::change("/usr/sbin/service", [name, "onerestart"]),
};

/// cron(8) of FreeBSD reads `/etc/cron.d`, DragonFly's does not.
static JOBS: Jobs = Jobs(Crontab::VIXIE);

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
    Capability { type_name: "user", support: Support::Planned, tool: "pw" },
    Capability { type_name: "group", support: Support::Planned, tool: "pw" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "file operations" },
    Capability { type_name: "cron", support: Support::Full, tool: "/etc/cron.d, crontab" },
    Capability { type_name: "host", support: Support::Full, tool: "file operations" },
    Capability { type_name: "hostname", support: Support::Planned, tool: "sysrc, hostname" },
    Capability { type_name: "timezone", support: Support::Planned, tool: "/etc/localtime, /var/db/zoneinfo" },
    Capability { type_name: "sysctl", support: Support::Planned, tool: "sysctl" },
    Capability { type_name: "mount", support: Support::Planned, tool: "mount, /etc/fstab" },
    Capability { type_name: "swap", support: Support::Planned, tool: "swapctl, md" },
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
