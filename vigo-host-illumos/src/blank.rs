//! An illumos machine on which nothing has been set up. Every service that is asked for is there, and disabled.

use crate::Illumos;
use alloc::format;
use vigo_core::action::{Command, Ran};
use vigo_core::preview::{At, Blank, arguments};

/// The one of this system.
pub static BLANKS: &[Blank] = &[Blank {
    name: "illumos",
    host: &Illumos,
    letter: "I",
    is_unix: true,
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
        path if DIRECTORIES.contains(&path) => Some(At::Dir(&[])),
        _ => None,
    }
}

fn answer(command: &Command) -> Option<Ran> {
    match (&*command.program, &arguments(command)[..]) {
        ("/usr/bin/svcs", ["-H", "-o", _, name]) => {
            let fmri = if name.starts_with("svc:/") { (*name).into() } else { format!("svc:/site/{name}:default") };
            Some(Ran::exited(0, &format!("disabled - {fmri}\n"), ""))
        }
        ("/usr/bin/svcprop", _) => Some(Ran::exited(0, "false\n", "")),
        _ => None,
    }
}
