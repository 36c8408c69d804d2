//! What macOS supports of each type.

use crate::account::{DirectoryGroups, DirectoryUsers};
use crate::brew::{Brew, Taps};
use crate::service::Launchd;
use crate::system::{Scutil, Systemsetup, TableAndMounts};
use alloc::format;
use vigo_core::action::Command;
use vigo_core::host::posix::{Age, Crontab, Ps};
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Installer, Problem, Support};
use vigo_core::resource::cron::Cron;
use vigo_core::resource::group::Groups;
use vigo_core::resource::hostname::Hostname;
use vigo_core::resource::mount::Mount;
use vigo_core::resource::package::Package;
use vigo_core::resource::process::Process;
use vigo_core::resource::repository::Repository;
use vigo_core::resource::service::Service;
use vigo_core::resource::timezone::Timezone;
use vigo_core::resource::user::Users;

/// macOS.
pub struct MacOs;

impl Host for MacOs {
    fn name(&self) -> &'static str {
        "macos"
    }

    fn installer(&self) -> Option<&'static dyn Installer> {
        Some(&crate::installer::LaunchDaemon)
    }

    fn collectors(&self) -> &'static [vigo_core::traits::Collector] {
        crate::traits::COLLECTORS
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn package(&self, _: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
        match manager.unwrap_or("brew") {
            "brew" => Ok(&Brew::FORMULAE),
            "brew_cask" => Ok(&Brew::CASKS),
            other => {
                Err(Problem::unsupported(format!("manager `{other}` of type `package` is not supported on macos")))
            }
        }
    }

    fn repository(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Repository>, Problem> {
        Ok(&Taps)
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Launchd)
    }

    fn process(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Process>, Problem> {
        Ok(&PS)
    }

    fn user(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Users>, Problem> {
        Ok(&DirectoryUsers)
    }

    fn group(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Groups>, Problem> {
        Ok(&DirectoryGroups)
    }

    fn cron(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Cron>, Problem> {
        Ok(&Crontab::VIXIE)
    }

    fn hostname(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Hostname>, Problem> {
        Ok(&Scutil)
    }

    fn timezone(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Timezone>, Problem> {
        Ok(&Systemsetup)
    }

    fn mount(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Mount>, Problem> {
        Ok(&TableAndMounts)
    }
}

/// The columns of ps(1) as FreeBSD has them.
static PS: Ps = Ps {
    system: "macos",
    all: "-axww",
    name: "ucomm",
    command: "args",
    age: Age::Elapsed,
    state: "stat",
    start: "lstart",
    tenant: None,
    restart: |label| Command::change("/bin/launchctl", ["kickstart", "-k", &format!("system/{label}")]),
};

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
    Capability { type_name: "package", support: Support::Partly("`version`, `allow_downgrade`, `purge`; of casks also `lock_version`, `post_cleanup`"), tool: "brew" },
    Capability { type_name: "repository", support: Support::Partly("`key_url`, `key_fingerprint`, `enabled: false`, `gpgcheck: false`, `priority`"), tool: "brew tap" },
    Capability { type_name: "service", support: Support::Partly("`masked`, `flags`, `start_type`, `runlevel`"), tool: "launchctl" },
    Capability { type_name: "systemd_unit", support: Support::No, tool: "" },
    Capability { type_name: "systemd_dropin", support: Support::No, tool: "" },
    Capability { type_name: "process", support: Support::Partly("`restart_method: systemctl`"), tool: "ps" },
    Capability { type_name: "exec", support: Support::Full, tool: "sh" },
    Capability { type_name: "user", support: Support::Partly("`login_class`, `expires`, `password_max_age`, `password_min_age`, `password_warn_days`, `password_inactive_days`"), tool: "dscl, dsimport, createhomedir" },
    Capability { type_name: "group", support: Support::Full, tool: "dseditgroup, dscl" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "file operations" },
    Capability { type_name: "cron", support: Support::Full, tool: "crontab" },
    Capability { type_name: "host", support: Support::Full, tool: "file operations" },
    Capability { type_name: "hostname", support: Support::Full, tool: "scutil" },
    Capability { type_name: "timezone", support: Support::Full, tool: "systemsetup" },
    Capability { type_name: "sysctl", support: Support::No, tool: "" },
    Capability { type_name: "mount", support: Support::Partly("bind mounts"), tool: "mount, /etc/fstab" },
    Capability { type_name: "swap", support: Support::No, tool: "" },
    Capability { type_name: "git", support: Support::Full, tool: "git" },
    Capability { type_name: "custom", support: Support::Full, tool: "executors" },
    Capability { type_name: "registry", support: Support::No, tool: "" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_adapters_agree() {
        assert_eq!(vigo_core::host::contradictions(&MacOs), [""; 0]);
    }
}
