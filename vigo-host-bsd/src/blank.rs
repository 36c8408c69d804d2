//! Machines of the BSDs on which nothing has been set up. Every service that is asked for is there, stopped and disabled.

use crate::{FreeBsd, NetBsd, OpenBsd};
use alloc::format;
use vigo_core::action::{Command, Ran};
use vigo_core::preview::{At, Blank, arguments};

macro_rules! traits {
    ($family:literal, $init:literal) => {
        &[
            ("os.family", $family),
            ("os.distro", $family),
            ("os.arch", "amd64"),
            ("init.manager", $init),
            ("virtualization.is_container", "false"),
            ("virtualization.is_virtual", "false"),
        ]
    };
}

/// One of each system.
pub static BLANKS: &[Blank] = &[
    Blank { name: "freebsd", host: &FreeBsd, traits: traits!("freebsd", "rc"), programs: &[], at, answer: freebsd },
    Blank { name: "openbsd", host: &OpenBsd, traits: traits!("openbsd", "rcctl"), programs: &[], at, answer: openbsd },
    Blank { name: "netbsd", host: &NetBsd, traits: traits!("netbsd", "rc"), programs: &["pkgin"], at, answer: netbsd },
];

const DIRECTORIES: &[&str] = &[
    "/",
    "/bin",
    "/dev",
    "/etc",
    "/etc/cron.d",
    "/etc/newsyslog.conf.d",
    "/etc/rc.conf.d",
    "/etc/rc.d",
    "/etc/ssh",
    "/etc/ssl",
    "/home",
    "/mnt",
    "/root",
    "/sbin",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/home",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/local/etc/rc.d",
    "/usr/local/sbin",
    "/usr/pkg",
    "/usr/pkg/etc",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/cron",
    "/var/db",
    "/var/log",
    "/var/tmp",
    "/var/www",
];

fn at(path: &str) -> Option<At> {
    let file = |text: &str| Some(At::File(text.into()));
    match path {
        "/etc/passwd" => {
            file("root:*:0:0:Charlie &:/root:/bin/sh\nnobody:*:65534:65534:nobody:/nonexistent:/sbin/nologin\n")
        }
        "/etc/group" => file("wheel:*:0:root\ndaemon:*:1:\noperator:*:5:root\nstaff:*:20:root\nnobody:*:65534:\n"),
        "/etc/master.passwd" => file(
            "root:*:0:0:daemon:0:0:Charlie &:/root:/bin/sh\n\
             nobody:*:65534:65534::0:0:nobody:/nonexistent:/sbin/nologin\n",
        ),
        "/etc/fstab" | "/etc/rc.conf" | "/etc/rc.conf.local" | "/etc/sysctl.conf" => file(""),
        "/etc/hosts" => file("127.0.0.1\tlocalhost\n::1\tlocalhost\n"),
        "/bin/sh" | "/bin/ksh" | "/bin/csh" | "/sbin/nologin" => Some(At::Program),
        path if DIRECTORIES.contains(&path) => Some(At::Dir(&[])),
        // A start script that offers to reload.
        path if path.starts_with("/usr/share/zoneinfo/") => file(""),
        path if path.starts_with("/etc/rc.d/") => file("#!/bin/sh\nextra_commands=\"reload\"\n"),
        _ => None,
    }
}

/// What the tools of POSIX answer everywhere.
fn posix(command: &Command) -> Option<Ran> {
    let args = arguments(command);
    match &*command.program {
        "/bin/sh" if args == ["-c", "echo \"$PPID\""] => Some(Ran::exited(0, "2\n", "")),
        "ps" if args.contains(&"jid=") => Some(Ran::exited(0, "0 1 0 S 10:00 /sbin/init\n0 2 1 S 00:01 vigo\n", "")),
        "ps" if args.contains(&"args=") => Some(Ran::exited(0, "1 0 S 10:00 /sbin/init\n2 1 S 00:01 vigo\n", "")),
        "ps" => Some(Ran::exited(0, "1 init\n2 vigo\n", "")),
        "crontab" => Some(Ran::exited(1, "", "crontab: no crontab for the user\n")),
        _ => None,
    }
}

fn freebsd(command: &Command) -> Option<Ran> {
    match (&*command.program, &arguments(command)[..]) {
        ("pkg", ["query", ..]) => Some(Ran::exited(0, "pkg 1.21.3 ports-mgmt/pkg 0\n", "")),
        ("pkg", ["upgrade", ..]) => Some(Ran::exited(0, "Your packages are up to date.\n", "")),
        ("pkg", ["rquery", ..]) => Some(Ran::exited(0, "", "")),
        ("/sbin/mount", []) => Some(Ran::exited(0, "/dev/ada0p2 on / (ufs, local, soft-updates)\n", "")),
        ("/usr/sbin/swapinfo", _) => Some(Ran::exited(0, "Device 1K-blocks Used Avail Capacity\n", "")),
        ("/sbin/mdconfig", _) => Some(Ran::exited(0, "", "")),
        ("/usr/sbin/service", [name, "onestatus"]) => Some(Ran::exited(1, &format!("{name} is not running.\n"), "")),
        ("/usr/sbin/service", [name, "rcvar"]) => {
            Some(Ran::exited(0, &format!("# {name}\n#\n{name}_enable=\"NO\"\n#   (default: \"\")\n\n"), ""))
        }
        ("/usr/sbin/service", [_, "enabled"]) => Some(Ran::exited(1, "", "")),
        ("/usr/sbin/sysrc", ["-qn", _]) => Some(Ran::exited(1, "", "")),
        _ => posix(command).or_else(|| common(command)),
    }
}

/// What the tools of OpenBSD and NetBSD have in common.
fn common(command: &Command) -> Option<Ran> {
    let exited = |code: i32, out: &str| Some(Ran::exited(code, out, ""));
    match (&*command.program, &arguments(command)[..]) {
        ("/bin/hostname", []) => exited(0, "localhost\n"),
        ("/sbin/sysctl", ["-n", "hw.disknames"]) => exited(0, "sd0:\n"),
        // What the kernel's parameters are is not asked of it here: they count as not set.
        ("/sbin/sysctl", ["-n", _]) => exited(0, "unset\n"),
        ("/sbin/mount", []) => exited(0, "/dev/sd0a on / type ffs (local)\n"),
        ("/sbin/swapctl", ["-l"]) => exited(0, "no swap devices configured\n"),
        ("/usr/bin/getent", _) => exited(2, ""),
        ("/usr/sbin/pkg_info" | "/usr/sbin/pkg_add", _) => exited(0, ""),
        ("/usr/pkg/bin/pkgin", ["-p", "search", "."]) => exited(0, "pkgin-1;=;what brings packages\n"),
        ("crontab", _) => Some(Ran::exited(1, "", "crontab: no crontab for the user\n")),
        ("/bin/sh", _) => exited(0, "1\n"),
        ("ps", [.., "ucomm="]) => exited(0, "    1 init\n"),
        ("ps", [.., "command="]) => exited(0, "    1     0 I    Thu Jan  1 00:00:00 2026    /sbin/init\n"),
        ("ps", _) => exited(0, "    1     0 I    00:01 /sbin/init\n"),
        _ => None,
    }
}

fn openbsd(command: &Command) -> Option<Ran> {
    match (&*command.program, &arguments(command)[..]) {
        ("/usr/sbin/rcctl", ["get", name]) => {
            Some(Ran::exited(1, &format!("{name}_class=daemon\n{name}_flags=NO\n"), ""))
        }
        ("/usr/sbin/rcctl", ["check", name]) => Some(Ran::exited(1, &format!("{name}(failed)\n"), "")),
        _ => common(command),
    }
}

fn netbsd(command: &Command) -> Option<Ran> {
    let Some(name) = command.program.strip_prefix("/etc/rc.d/") else { return common(command) };
    match arguments(command)[..] {
        ["onestatus"] => Some(Ran::exited(1, &format!("{name} is not running.\n"), "")),
        ["rcvar"] => Some(Ran::exited(0, &format!("# {name}\n${name}=NO\n"), "")),
        _ => None,
    }
}
