//! The table of Linux adapters.

use crate::account::{BusyBoxGroups, BusyBoxUsers, FileGroups, FileUsers, ShadowGroups, ShadowUsers};
use crate::mounts::{Swaps, TableAndMounts};
use crate::system::{FileHostname, Hostnamectl, LinkedTimezone, Parameters, Timedatectl};
use vigo_core::host::posix::{Crontab, Jobs};
use vigo_core::host::{Adapter, Capability, Host, HostFacts, Init, Installer, Problem, Support};
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
use vigo_core::traits::Collector;

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

    fn collectors(&self) -> &'static [Collector] {
        crate::traits::COLLECTORS
    }

    fn installer(&self) -> Option<&'static dyn Installer> {
        Some(&crate::installation::Services)
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
        Ok(&JOBS)
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

/// Vixie's cron, cronie and BusyBox'.
static JOBS: Jobs = Jobs(Crontab { says_none, reads_as_user: true, ..Crontab::VIXIE });

fn says_none(err: &str) -> bool {
    let busybox = err.contains("can't open") && err.contains("No such file");
    busybox || err.contains("no crontab for")
}

/// One line a type.
static CAPABILITIES: &[Capability] = &[
    Capability { type_name: "file", support: Support::Full, tool: "files" },
    Capability { type_name: "directory", support: Support::Full, tool: "files" },
    Capability { type_name: "symlink", support: Support::Full, tool: "files" },
    Capability { type_name: "file_line", support: Support::Full, tool: "files" },
    Capability { type_name: "blockinfile", support: Support::Full, tool: "files" },
    Capability { type_name: "replace", support: Support::Full, tool: "files" },
    Capability { type_name: "ini", support: Support::Full, tool: "files" },
    Capability { type_name: "json_file", support: Support::Full, tool: "files" },
    Capability {
        type_name: "package",
        support: Support::Partly(
            "`purge` beside apt; `post_cleanup` of zypper; of pacman and apk `post_cleanup`, `lock_version`, \
             `allow_downgrade` and a beginning as `version`",
        ),
        tool: "apt-get, dnf, yum, zypper, pacman, apk",
    },
    Capability {
        type_name: "repository",
        support: Support::Partly(
            "`priority` of apt, pacman and apk; `key_fingerprint` of pacman and apk; `gpgcheck` of apk",
        ),
        tool: "apt-get, dnf, yum, zypper, pacman, apk",
    },
    Capability { type_name: "exec", support: Support::Full, tool: "sh" },
    Capability { type_name: "git", support: Support::Full, tool: "git" },
    Capability { type_name: "custom", support: Support::Full, tool: "the script" },
    Capability { type_name: "registry", support: Support::No, tool: "" },
    Capability {
        type_name: "service",
        support: Support::Partly(
            "`flags`, `start_type`; without systemd `masked`, `scope` and `user`; without OpenRC `runlevel`",
        ),
        tool: "systemctl, rc-service, service, sv",
    },
    Capability { type_name: "systemd_unit", support: Support::Full, tool: "systemctl" },
    Capability { type_name: "systemd_dropin", support: Support::Full, tool: "systemctl" },
    Capability { type_name: "process", support: Support::Full, tool: "/proc" },
    Capability {
        type_name: "user",
        support: Support::Partly(
            "`login_class`; without the shadow suite `password_max_age`, `password_min_age`, `password_warn_days`, \
             `password_inactive_days`, `expires`",
        ),
        tool: "useradd, adduser",
    },
    Capability { type_name: "group", support: Support::Full, tool: "groupadd, addgroup" },
    Capability { type_name: "authorized_key", support: Support::Full, tool: "files" },
    Capability { type_name: "host", support: Support::Full, tool: "files" },
    Capability { type_name: "cron", support: Support::Full, tool: "/etc/cron.d, crontab" },
    Capability { type_name: "hostname", support: Support::Full, tool: "hostnamectl, hostname" },
    Capability { type_name: "timezone", support: Support::Full, tool: "timedatectl, /etc/localtime" },
    Capability { type_name: "sysctl", support: Support::Full, tool: "sysctl, /etc/sysctl.d" },
    Capability { type_name: "mount", support: Support::Full, tool: "mount, /etc/fstab" },
    Capability { type_name: "swap", support: Support::Full, tool: "mkswap, swapon, /etc/fstab" },
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
