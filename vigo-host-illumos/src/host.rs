//! What illumos supports of each type.

use crate::account::{LocalGroups, LocalUsers};
use crate::package::{Ips, Publishers};
use crate::service::Smf;
use crate::system::{DefaultInit, Jobs, Nodename, TableAndMounts};
use alloc::format;
use vigo_core::action::Command;
use vigo_core::host::posix::{Age, Ps};
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

/// illumos and its distributions.
pub struct Illumos;

impl Host for Illumos {
    fn name(&self) -> &'static str {
        "illumos"
    }

    fn installer(&self) -> Option<&'static dyn Installer> {
        Some(&crate::installer::Manifest)
    }

    fn collectors(&self) -> &'static [vigo_core::traits::Collector] {
        crate::traits::COLLECTORS
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn package(&self, _: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
        match manager.unwrap_or("ips") {
            "ips" => Ok(&Ips),
            other => {
                Err(Problem::unsupported(format!("manager `{other}` of type `package` is not supported on illumos")))
            }
        }
    }

    fn repository(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Repository>, Problem> {
        Ok(&Publishers)
    }

    fn service(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        Ok(&Smf)
    }

    fn process(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Process>, Problem> {
        Ok(&PS)
    }

    fn user(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Users>, Problem> {
        Ok(&LocalUsers)
    }

    fn group(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Groups>, Problem> {
        Ok(&LocalGroups)
    }

    fn cron(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Cron>, Problem> {
        Ok(&Jobs)
    }

    fn hostname(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Hostname>, Problem> {
        Ok(&Nodename)
    }

    fn timezone(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Timezone>, Problem> {
        Ok(&DefaultInit)
    }

    fn mount(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Mount>, Problem> {
        Ok(&TableAndMounts)
    }
}

/// The columns of ps(1).
static PS: Ps = Ps {
    system: "illumos",
    all: "-e",
    name: "fname",
    command: "args",
    age: Age::Elapsed,
    state: "s",
    start: "stime",
    tenant: Some("zoneid"),
    restart: |name| Command::change("/usr/sbin/svcadm", ["restart", name]),
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
    Capability { type_name: "package", support: Support::Partly("`version` with `*`, `allow_downgrade`, `purge`, `post_cleanup`"), tool: "pkg (IPS)" },
    Capability { type_name: "repository", support: Support::Partly("`key_url`, `key_fingerprint`, `gpgcheck: false`, `priority`"), tool: "pkg set-publisher" },
    Capability { type_name: "service", support: Support::Partly("`masked`, `scope`, `flags`, `start_type`, `runlevel`"), tool: "svcs, svcprop, svcadm" },
    Capability { type_name: "systemd_unit", support: Support::No, tool: "" },
    Capability { type_name: "systemd_dropin", support: Support::No, tool: "" },
    Capability { type_name: "process", support: Support::Partly("`restart_method: systemctl`"), tool: "ps" },
    Capability { type_name: "exec", support: Support::Full, tool: "sh" },
    Capability { type_name: "user", support: Support::Partly("`login_class`, `password_inactive_days`"), tool: "useradd, usermod, userdel, /etc/shadow" },
    Capability { type_name: "group", support: Support::Full, tool: "groupadd, groupmod, groupdel, usermod" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "file operations" },
    Capability { type_name: "cron", support: Support::Partly("`schedule: @reboot`"), tool: "crontab" },
    Capability { type_name: "host", support: Support::Full, tool: "file operations on /etc/inet/hosts" },
    Capability { type_name: "hostname", support: Support::Full, tool: "/etc/nodename, hostname" },
    Capability { type_name: "timezone", support: Support::Full, tool: "/etc/default/init" },
    Capability { type_name: "sysctl", support: Support::No, tool: "" },
    Capability { type_name: "mount", support: Support::Partly("`dump`, bind mounts, `UUID=`, `LABEL=`"), tool: "mount, /etc/vfstab" },
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
        assert_eq!(vigo_core::host::contradictions(&Illumos), [""; 0]);
    }
}
