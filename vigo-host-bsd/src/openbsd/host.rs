//! What OpenBSD supports of each type.

use super::hostname::MyName;
use super::package::PKG_ADD;
use super::repository::INSTALLURL;
use super::service::Rcctl;
use crate::accounts;
use crate::mounts::{TableAndMounts, typed_line};
use crate::swapctl::Swapctl;
use crate::sysctl::Parameters;
use crate::timezone::LinkedTimezone;
use alloc::format;
use vigo_core::action::Command;
use vigo_core::host::posix::{Age, Crontab, Ps};
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

/// OpenBSD.
pub struct OpenBsd;

impl Host for OpenBsd {
    fn name(&self) -> &'static str {
        "openbsd"
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
            None | Some("pkg_add") => Ok(&PKG_ADD),
            Some(other) => {
                Err(Problem::unsupported(format!("manager `{other}` of type `package` is not supported on openbsd")))
            }
        }
    }

    fn repository(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Repository>, Problem> {
        Ok(&INSTALLURL)
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Rcctl)
    }

    fn process(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Process>, Problem> {
        Ok(&PROCESSES)
    }

    fn user(&self, _: &HostFacts) -> Result<&'static dyn Adapter<user::Users>, Problem> {
        Ok(&accounts::OPENBSD)
    }

    fn group(&self, _: &HostFacts) -> Result<&'static dyn Adapter<group::Groups>, Problem> {
        Ok(&accounts::OPENBSD)
    }

    fn cron(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Cron>, Problem> {
        Ok(&Crontab::VIXIE)
    }

    fn hostname(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Hostname>, Problem> {
        Ok(&MyName)
    }

    fn timezone(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Timezone>, Problem> {
        Ok(&LinkedTimezone)
    }

    fn sysctl(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Sysctl>, Problem> {
        Ok(&Parameters { before_set: &[] })
    }

    fn mount(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Mount>, Problem> {
        Ok(&TableAndMounts { parse: typed_line, disk_names: true })
    }

    fn swap(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Swaps>, Problem> {
        Ok(&Swapctl)
    }
}

/// ps(1), which takes a heading for no alias of a column (`args`, `stat`, `comm`). The name is the one of accounting, which
/// the kernel cuts to some 20 characters.
static PROCESSES: Ps = Ps {
    system: "openbsd",
    all: "-axww",
    name: "ucomm",
    command: "command",
    age: Age::Started,
    state: "state",
    start: "lstart",
    tenant: None,
    restart: |name| Command::change("/usr/sbin/rcctl", ["-f", "restart", name]),
};

/// What user(8) has no way to do.
const ACCOUNTS: &str =
    "`system`, `password_max_age`, `password_min_age`, `password_warn_days`, `password_inactive_days`";

/// What pkg_add(1) has no way to do.
const PACKAGES: &str = "`purge`, `lock_version`, `allow_downgrade`, a beginning as `version`";

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
    Capability { type_name: "package", support: Support::Partly(PACKAGES), tool: "pkg_add, pkg_delete, pkg_info" },
    Capability { type_name: "repository", support: Support::Partly("`key_url`, `key_fingerprint`, `gpgcheck`, `priority`, `enabled`; one `repository`, called `installurl`"), tool: "/etc/installurl" },
    Capability { type_name: "service", support: Support::Partly("`masked`, `scope`, `start_type`, `runlevel`"), tool: "rcctl" },
    Capability { type_name: "systemd_unit", support: Support::No, tool: "" },
    Capability { type_name: "systemd_dropin", support: Support::No, tool: "" },
    Capability { type_name: "process", support: Support::Partly("`restart_method: systemctl`"), tool: "ps" },
    Capability { type_name: "exec", support: Support::Full, tool: "sh" },
    Capability { type_name: "user", support: Support::Partly(ACCOUNTS), tool: "useradd, usermod, userdel" },
    Capability { type_name: "group", support: Support::Partly("`system`"), tool: "groupadd, groupmod, groupdel" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "file operations" },
    Capability { type_name: "cron", support: Support::Full, tool: "crontab" },
    Capability { type_name: "host", support: Support::Full, tool: "file operations" },
    Capability { type_name: "hostname", support: Support::Full, tool: "/etc/myname, hostname" },
    Capability { type_name: "timezone", support: Support::Full, tool: "/etc/localtime" },
    Capability { type_name: "sysctl", support: Support::Full, tool: "sysctl" },
    Capability { type_name: "mount", support: Support::Full, tool: "mount, /etc/fstab" },
    Capability { type_name: "swap", support: Support::Full, tool: "swapctl" },
    Capability { type_name: "git", support: Support::Full, tool: "git" },
    Capability { type_name: "custom", support: Support::Full, tool: "executors" },
    Capability { type_name: "registry", support: Support::No, tool: "" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_adapters_agree() {
        assert_eq!(vigo_core::host::contradictions(&OpenBsd), [""; 0]);
    }
}
