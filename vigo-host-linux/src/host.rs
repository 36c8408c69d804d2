//! The table of Linux adapters.

use crate::account::{BusyBoxGroups, BusyBoxUsers, FileGroups, FileUsers, ShadowGroups, ShadowUsers};
use crate::cron::Jobs;
use crate::mounts::{Swaps, TableAndMounts};
use crate::system::{FileHostname, Hostnamectl, LinkedTimezone, Parameters, Timedatectl};
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Init, Problem};
use vigo_core::resource::cron::Cron;
use vigo_core::resource::hostname::Hostname;
use vigo_core::resource::mount::Mount;
use vigo_core::resource::package::Package;
use vigo_core::resource::process::Process;
use vigo_core::resource::repository::Repository;
use vigo_core::resource::service::Service;
use vigo_core::resource::sysctl::Sysctl;
use vigo_core::resource::systemd_dropin::SystemdDropin;
use vigo_core::resource::systemd_unit::SystemdUnit;
use vigo_core::resource::timezone::Timezone;
use vigo_core::resource::{group, swap, user};

/// Linux, all distributions.
pub struct Linux;

impl Host for Linux {
    fn name(&self) -> &'static str {
        "linux"
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn programs(&self) -> &'static [&'static str] {
        PROGRAMS
    }

    fn package(&self, facts: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
        crate::package::select(facts, manager)
    }

    fn repository(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Repository>, Problem> {
        crate::repository::select(facts)
    }

    fn service(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Service>, Problem> {
        crate::service::select(facts)
    }

    fn systemd_unit(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<SystemdUnit>, Problem> {
        crate::service::select_units("systemd_unit", facts)
    }

    fn systemd_dropin(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<SystemdDropin>, Problem> {
        crate::service::select_units("systemd_dropin", facts)
    }

    fn process(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Process>, Problem> {
        Ok(&crate::process::ProcFs)
    }

    fn user(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<user::Users>, Problem> {
        match facts {
            facts if facts.image.is_some() => Ok(&FileUsers),
            facts if facts.has("useradd") => Ok(&ShadowUsers),
            facts if facts.has("adduser") => Ok(&BusyBoxUsers),
            _ => Err(Problem::unsupported("expected `useradd` or `adduser` to manage users, found neither")),
        }
    }

    fn group(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<group::Groups>, Problem> {
        match facts {
            facts if facts.image.is_some() => Ok(&FileGroups),
            facts if facts.has("groupadd") => Ok(&ShadowGroups),
            facts if facts.has("addgroup") => Ok(&BusyBoxGroups),
            _ => Err(Problem::unsupported("expected `groupadd` or `addgroup` to manage groups, found neither")),
        }
    }

    fn cron(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Cron>, Problem> {
        Ok(&Jobs)
    }

    fn hostname(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Hostname>, Problem> {
        let managed = facts.image.is_none() && facts.init == Init::Systemd && facts.has("hostnamectl");
        Ok(if managed { &Hostnamectl } else { &FileHostname })
    }

    fn timezone(&self, facts: &HostFacts) -> Result<&'static dyn Adapter<Timezone>, Problem> {
        let managed = facts.image.is_none() && facts.init == Init::Systemd && facts.has("timedatectl");
        Ok(if managed { &Timedatectl } else { &LinkedTimezone })
    }

    fn sysctl(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Sysctl>, Problem> {
        Ok(&Parameters)
    }

    fn mount(&self, _: &HostFacts) -> Result<&'static dyn Adapter<Mount>, Problem> {
        Ok(&TableAndMounts)
    }

    fn swap(&self, _: &HostFacts) -> Result<&'static dyn Adapter<swap::Swaps>, Problem> {
        Ok(&Swaps)
    }
}

/// One line a type, in the order of the reference.
static CAPABILITIES: &[Capability] = &[
    Capability::full("file", "file operations"),
    Capability::full("directory", "file operations"),
    Capability::full("symlink", "file operations"),
    Capability::full("file_line", "file operations"),
    Capability::full("blockinfile", "file operations"),
    Capability::full("replace", "file operations"),
    Capability::full("ini", "file operations"),
    Capability::full("json_file", "file operations"),
    Capability::partly(
        "package",
        "apt-get, dnf, yum, zypper, pacman, apk",
        "`purge` beside apt; `lock_version`, `allow_downgrade`, `post_cleanup` of pacman and apk",
    ),
    Capability::partly(
        "repository",
        "files, apt-get, dnf, yum, zypper, pacman, apk",
        "`priority` of apt, pacman and apk; `key_fingerprint` of pacman and apk",
    ),
    Capability::partly(
        "service",
        "systemctl, rc-service, service, sv",
        "`flags`, `start_type`; without systemd `masked`, `scope`; without OpenRC `runlevel`",
    ),
    Capability::full("systemd_unit", "systemctl"),
    Capability::full("systemd_dropin", "systemctl"),
    Capability::full("process", "/proc"),
    Capability::full("exec", "sh"),
    Capability::partly("user", "useradd, adduser", "`login_class`"),
    Capability::full("group", "groupadd, addgroup"),
    Capability::full("authorized_key", "file operations"),
    Capability::full("cron", "/etc/cron.d, crontab"),
    Capability::full("host", "file operations"),
    Capability::full("hostname", "hostnamectl, hostname"),
    Capability::full("timezone", "timedatectl, /etc/localtime"),
    Capability::full("sysctl", "sysctl, /etc/sysctl.d"),
    Capability::full("mount", "mount, /etc/fstab"),
    Capability::full("swap", "mkswap, swapon, /etc/fstab"),
    Capability::full("git", "git"),
    Capability::full("custom", "the script"),
];

/// Programs whose presence decides which adapter is taken, one a line.
#[rustfmt::skip]
static PROGRAMS: &[&str] = &[
    "addgroup",
    "adduser",
    "apk",
    "apt-get",
    "chkconfig",
    "dnf",
    "groupadd",
    "hostnamectl",
    "pacman",
    "systemctl",
    "timedatectl",
    "update-rc.d",
    "useradd",
    "yum",
    "zypper",
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn every_type_of_the_reference_has_one_line() {
        assert_eq!(vigo_core::host::gaps(CAPABILITIES), Vec::<String>::new());
    }
}
