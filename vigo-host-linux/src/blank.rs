//! Linux machines on which nothing has been set up. Every service that is asked for is there, stopped and disabled; no
//! package is installed, and all are on offer.

use crate::Linux;
use alloc::format;
use alloc::string::String;
use vigo_core::action::{Command, Ran};
use vigo_core::preview::{At, Blank, arguments};

/// One of each family, the usual one first, and one of those that have none; then distributions whose services are run by something else.
pub static BLANKS: &[Blank] = &[
    blank("debian", DEBIAN, SHADOW_AND_APT),
    blank("redhat", REDHAT, SHADOW_AND_DNF),
    blank("suse", SUSE, SHADOW_AND_ZYPPER),
    blank("arch", ARCH, SHADOW_AND_PACMAN),
    blank("alpine", ALPINE, BUSYBOX_AND_APK),
    blank("linux", OTHER, SHADOW_AND_SYSTEMD),
    blank("devuan", DEVUAN, SHADOW_AND_APT_ALONE),
    blank("gentoo", GENTOO, SHADOW_SUITE),
    blank("slackware", SLACKWARE, SHADOW_SUITE),
    blank("void", VOID, SHADOW_SUITE),
];

const fn blank(
    name: &'static str,
    traits: &'static [(&'static str, &'static str)],
    programs: &'static [&'static str],
) -> Blank {
    Blank { name, host: &Linux, traits, programs, at, answer }
}

macro_rules! linux {
    ($family:literal, $distro:literal, $init:literal $(, $manager:literal)?) => {
        &[
            ("os.family", $family),
            ("os.distro", $distro),
            ("os.arch", "amd64"),
            ("init.manager", $init),
            ("virtualization.is_container", "false"),
            ("virtualization.is_virtual", "false"),
            $(("packages.manager", $manager),)?
        ]
    };
}

const DEBIAN: &[(&str, &str)] = linux!("debian", "debian", "systemd", "apt");
const REDHAT: &[(&str, &str)] = linux!("redhat", "rhel", "systemd", "dnf");
const SUSE: &[(&str, &str)] = linux!("suse", "sles", "systemd", "zypper");
const ARCH: &[(&str, &str)] = linux!("arch", "arch", "systemd", "pacman");
const ALPINE: &[(&str, &str)] = linux!("alpine", "alpine", "openrc", "apk");
const OTHER: &[(&str, &str)] = linux!("linux", "linux", "systemd");
const DEVUAN: &[(&str, &str)] = linux!("debian", "devuan", "sysv", "apt");
const GENTOO: &[(&str, &str)] = linux!("linux", "gentoo", "openrc");
const SLACKWARE: &[(&str, &str)] = linux!("linux", "slackware", "sysv");
const VOID: &[(&str, &str)] = linux!("linux", "void", "runit");

const SHADOW_AND_APT: &[&str] = &["apt-get", "groupadd", "hostnamectl", "systemctl", "timedatectl", "useradd"];
const SHADOW_AND_DNF: &[&str] = &["dnf", "groupadd", "hostnamectl", "systemctl", "timedatectl", "useradd"];
const SHADOW_AND_ZYPPER: &[&str] = &["groupadd", "hostnamectl", "systemctl", "timedatectl", "useradd", "zypper"];
const SHADOW_AND_PACMAN: &[&str] = &["groupadd", "hostnamectl", "pacman", "systemctl", "timedatectl", "useradd"];
const SHADOW_AND_APT_ALONE: &[&str] = &["apt-get", "groupadd", "useradd"];
const SHADOW_AND_SYSTEMD: &[&str] = &["groupadd", "hostnamectl", "systemctl", "timedatectl", "useradd"];
const SHADOW_SUITE: &[&str] = &["groupadd", "useradd"];
const BUSYBOX_AND_APK: &[&str] = &["addgroup", "adduser", "apk"];

/// Directories that every distribution has.
const DIRECTORIES: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/etc/apt",
    "/etc/apt/apt.conf.d",
    "/etc/apt/keyrings",
    "/etc/apt/preferences.d",
    "/etc/apt/sources.list.d",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/default",
    "/etc/init.d",
    "/etc/logrotate.d",
    "/etc/modprobe.d",
    "/etc/modules-load.d",
    "/etc/profile.d",
    "/etc/security",
    "/etc/security/limits.d",
    "/etc/skel",
    "/etc/ssh",
    "/etc/ssh/sshd_config.d",
    "/etc/ssl",
    "/etc/ssl/certs",
    "/etc/ssl/private",
    "/etc/sudoers.d",
    "/etc/sysctl.d",
    "/etc/systemd",
    "/etc/systemd/system",
    "/etc/tmpfiles.d",
    "/etc/udev/rules.d",
    "/etc/yum.repos.d",
    "/etc/zypp/repos.d",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/systemd/system",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/local/share",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/keyrings",
    "/usr/share/zoneinfo",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/dpkg/updates",
    "/var/log",
    "/var/spool",
    "/var/spool/cron",
    "/var/tmp",
];

/// The accounts that every distribution has.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
                      nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\ndaemon:x:1:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nmail:x:8:\nman:x:12:\nproxy:x:13:\n\
                     kmem:x:15:\nsudo:x:27:\naudio:x:29:\nwww-data:x:33:\nbackup:x:34:\nshadow:x:42:\nvideo:x:44:\n\
                     staff:x:50:\nwheel:x:90:\nusers:x:100:\nssl-cert:x:110:\nnogroup:x:65534:\n";
const SHADOW: &str = "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n";

fn at(path: &str) -> Option<At> {
    let file = |text: &str| Some(At::File(text.into()));
    match path {
        "/etc/passwd" => file(PASSWD),
        "/etc/group" => file(GROUP),
        "/etc/shadow" => file(SHADOW),
        "/etc/gshadow" | "/etc/fstab" | "/var/lib/dpkg/status" | "/etc/ssh/sshd_config" | "/etc/sudoers" => file(""),
        "/etc/login.defs" => {
            file("UMASK\t\t022\nUID_MIN\t\t1000\nUID_MAX\t\t60000\nGID_MIN\t\t1000\nGID_MAX\t\t60000\n")
        }
        "/etc/hosts" => file("127.0.0.1\tlocalhost\n"),
        "/etc/hostname" | "/proc/sys/kernel/hostname" => file("localhost\n"),
        "/etc/shells" => file("/bin/sh\n/bin/bash\n/usr/bin/bash\n/bin/zsh\n/usr/bin/zsh\n"),
        "/proc" => Some(At::Dir(&["1"])),
        "/proc/self" => Some(At::Link("1")),
        "/proc/1/stat" => file("1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n"),
        "/proc/1/cmdline" => file("/sbin/init\0"),
        "/proc/self/mountinfo" => file("1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"),
        "/proc/swaps" => file("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
        "/bin/sh" | "/bin/bash" | "/usr/bin/bash" | "/bin/zsh" | "/usr/bin/zsh" | "/usr/sbin/nologin"
        | "/bin/false" => Some(At::Program),
        path if DIRECTORIES.contains(&path) => Some(At::Dir(&[])),
        path if path.starts_with("/usr/share/zoneinfo/") => file(""),
        // What the kernel's parameters are is not asked of it here: they count as not set.
        path if path.starts_with("/proc/sys/") => file("\n"),
        _ => None,
    }
}

fn answer(command: &Command) -> Option<Ran> {
    let args = arguments(command);
    let exited = |code: i32, out: &str| Some(Ran::exited(code, out, ""));
    let named = || args.iter().skip_while(|arg| **arg != "--").skip(1);
    let has = |word: &str| args.contains(&word);
    let program = command.program.rsplit('/').next().unwrap_or_default();
    match (program, args.first().copied().unwrap_or_default()) {
        ("systemctl", _) if has("show") => {
            let unit = |unit: &&str| {
                format!(
                    "MainPID=0\nResult=success\nExecMainStatus=0\nId={unit}\nLoadState=loaded\nActiveState=inactive\n\
                     SubState=dead\nUnitFileState=disabled\nNeedDaemonReload=no\n"
                )
            };
            exited(0, &named().map(unit).collect::<alloc::vec::Vec<_>>().join("\n"))
        }
        ("systemctl", "is-enabled") => exited(1, "disabled\n"),
        ("dpkg-query", _) => exited(0, ""),
        ("apt-cache", "policy") => {
            let offer = |name: &&str| {
                format!(
                    "{name}:\n  Installed: (none)\n  Candidate: newest\n  Version table:\n     newest 500\n        500 archive\n"
                )
            };
            exited(0, &named().map(offer).collect::<String>())
        }
        ("apt-get", _) if has("-s") => {
            let name = |arg: &&str| String::from(arg.split('=').next().unwrap_or_default());
            let goes = has("remove") || has("purge");
            let step = |arg: &&str| match goes {
                true => format!("Remv {} [0]\n", name(arg)),
                false => format!("Inst {} (newest archive [all])\n", name(arg)),
            };
            exited(0, &named().map(step).collect::<String>())
        }
        ("rpm", "-q") => {
            let names = args.iter().skip(3);
            let missing = names.clone().map(|name| format!("package {name} is not installed\n"));
            exited(1, &missing.collect::<String>())
        }
        ("dnf", _) if has("check-update") || has("list") => exited(0, ""),
        ("zypper", _) if has("list-updates") => {
            exited(0, "<stream><update-status version=\"0.6\"></update-status></stream>\n")
        }
        ("zypper", _) if has("locks") => exited(0, "There are no package locks defined.\n"),
        ("pacman", _) if has("-Q") => exited(0, ""),
        ("pacman", _) if has("-Qu") => exited(1, ""),
        ("apk", _) if has("info") || has("version") => exited(0, ""),
        ("rc-service", _) => exited(3, " * status: stopped\n"),
        ("rc-update", "show") => exited(0, ""),
        ("getent", _) => exited(2, ""),
        ("crontab", _) => Some(Ran::exited(1, "", "no crontab for the user\n")),
        ("blkid", _) => exited(2, ""),
        _ => None,
    }
}
