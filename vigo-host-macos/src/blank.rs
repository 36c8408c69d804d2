//! A Mac on which nothing has been set up. Every job that is asked for is known, disabled and does not run.

use crate::MacOs;
use alloc::format;
use vigo_core::action::{Command, Ran};
use vigo_core::preview::{At, Blank, arguments};

/// The one of this system.
pub static BLANKS: &[Blank] = &[Blank {
    name: "macos",
    host: &MacOs,
    letter: "M",
    is_unix: true,
    traits: &[
        ("os.family", "macos"),
        ("os.distro", "macos"),
        ("os.arch", "arm64"),
        ("init.manager", "launchd"),
        ("virtualization.is_container", "false"),
        ("virtualization.is_virtual", "false"),
    ],
    programs: &[],
    at,
    answer,
}];

const DIRECTORIES: &[&str] = &[
    "/",
    "/Applications",
    "/Library",
    "/Library/LaunchAgents",
    "/Library/LaunchDaemons",
    "/Library/Preferences",
    "/Users",
    "/Users/Shared",
    "/bin",
    "/dev",
    "/etc",
    "/etc/ssh",
    "/opt",
    "/private",
    "/private/etc",
    "/private/tmp",
    "/private/var",
    "/sbin",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/etc",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/db",
    "/var/log",
    "/var/root",
    "/var/tmp",
];

fn at(path: &str) -> Option<At> {
    let file = |text: &str| Some(At::File(text.into()));
    match path {
        "/etc/passwd" => file(
            "root:*:0:0:System Administrator:/var/root:/bin/sh\nnobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n",
        ),
        "/etc/group" => file("wheel:*:0:root\ndaemon:*:1:root\nstaff:*:20:root\nadmin:*:80:root\n"),
        "/etc/hosts" => file("127.0.0.1\tlocalhost\n"),
        "/bin/sh" | "/bin/bash" | "/bin/zsh" => Some(At::Program),
        path if DIRECTORIES.contains(&path) => Some(At::Dir(&[])),
        _ => None,
    }
}

fn answer(command: &Command) -> Option<Ran> {
    match (&*command.program, &arguments(command)[..]) {
        ("/bin/launchctl", ["print", job]) => {
            let label = job.rsplit('/').next().unwrap_or_default();
            let plist = format!("/Library/LaunchDaemons/{label}.plist");
            Some(Ran::exited(
                0,
                &format!("{job} = {{\n\tactive count = 0\n\tpath = {plist}\n\tstate = not running\n}}\n"),
                "",
            ))
        }
        ("/bin/launchctl", ["print-disabled", _]) => Some(Ran::exited(0, "disabled services = {\n}\n", "")),
        _ => None,
    }
}
