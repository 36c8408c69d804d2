//! An illumos machine on which nothing has been set up. Every service that is asked for is there, and disabled.

use crate::Illumos;
use alloc::format;
use vigo_core::action::{Command, Ran};
use vigo_core::preview::{At, Blank, arguments};

/// The one of this system.
pub static BLANKS: &[Blank] = &[Blank {
    name: "illumos",
    host: &Illumos,
    traits: &[
        ("os.family", "illumos"),
        ("os.distro", "omnios"),
        ("os.arch", "amd64"),
        ("init.manager", "smf"),
        ("virtualization.is_container", "false"),
        ("virtualization.is_virtual", "false"),
    ],
    programs: &[],
    at,
    answer,
}];

const DIRECTORIES: &[&str] = &[
    "/",
    "/bin",
    "/dev",
    "/etc",
    "/etc/cron.d",
    "/etc/default",
    "/etc/inet",
    "/etc/ssh",
    "/etc/sudoers.d",
    "/export",
    "/export/home",
    "/home",
    "/lib",
    "/lib/svc",
    "/opt",
    "/root",
    "/sbin",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/log",
    "/var/svc",
    "/var/svc/manifest",
    "/var/tmp",
];

fn at(path: &str) -> Option<At> {
    let file = |text: &str| Some(At::File(text.into()));
    match path {
        "/etc/passwd" => file("root:x:0:0:Super-User:/root:/usr/bin/bash\nnobody:x:60001:60001:NFS Anonymous:/:\n"),
        "/etc/group" => {
            file("root::0:\nother::1:root\nbin::2:root,daemon\nsys::3:root,bin,adm\nstaff::10:\nnobody::60001:\n")
        }
        "/etc/hosts" | "/etc/inet/hosts" => file("127.0.0.1\tlocalhost\n"),
        "/bin/sh" | "/usr/bin/sh" | "/usr/bin/bash" => Some(At::Program),
        "/etc/shadow" => file("root:*LK*:19000::::::\nnobody:*LK*:6445::::::\n"),
        "/etc/nodename" => file("unknown\n"),
        "/etc/default/init" => file("TZ=UTC\nCMASK=022\n"),
        "/etc/vfstab" => file("/dev/zvol/dsk/rpool/swap\t-\t-\tswap\t-\tno\t-\n"),
        "/etc/mnttab" => file("rpool/ROOT/omnios\t/\tzfs\trw,devices,setuid,exec\t0\n"),
        path if path.starts_with("/usr/share/lib/zoneinfo/") => file(""),
        path if DIRECTORIES.contains(&path) => Some(At::Dir(&[])),
        _ => None,
    }
}

const PUBLISHERS: &str = "PUBLISHER\tSTICKY\tSYSPUB\tENABLED\tTYPE\tSTATUS\tURI\tPROXY\n\
    omnios\ttrue\tfalse\ttrue\torigin\tonline\thttps://pkg.omnios.org/r151046/core/\t-\n";

fn answer(command: &Command) -> Option<Ran> {
    match (&*command.program, &arguments(command)[..]) {
        ("/usr/bin/svcs", ["-H", "-o", _, name]) => {
            let fmri = if name.starts_with("svc:/") { (*name).into() } else { format!("svc:/site/{name}:default") };
            Some(Ran::exited(0, &format!("disabled - {fmri}\n"), ""))
        }
        ("/usr/bin/svcprop", _) => Some(Ran::exited(0, "false\n", "")),
        ("/usr/bin/pkg", ["list", "-Hvu"]) => {
            Some(Ran::exited(1, "", "pkg list: no packages have newer versions available\n"))
        }
        ("/usr/bin/pkg", ["list", ..]) => {
            Some(Ran::exited(0, "pkg://omnios/SUNWcs@0.5.11-151046.0:20230501T000000Z  i--\n", ""))
        }
        ("/usr/bin/pkg", ["publisher", ..]) => Some(Ran::exited(0, PUBLISHERS, "")),
        ("/usr/bin/getent", _) => Some(Ran::exited(2, "", "")),
        ("/usr/bin/hostname", _) => Some(Ran::exited(0, "unknown\n", "")),
        ("crontab", _) => Some(Ran::exited(1, "", "crontab: can't open your crontab file.\n")),
        ("/bin/sh", ["-c", "echo \"$PPID\""]) => Some(Ran::exited(0, "2\n", "")),
        ("ps", args) if args.last() == Some(&"fname=") => Some(Ran::exited(0, "1 init\n2 vigo\n", "")),
        ("ps", _) => Some(Ran::exited(0, "0 1 0 S 10:00 /sbin/init\n0 2 1 S 10:00 vigo\n", "")),
        _ => None,
    }
}
