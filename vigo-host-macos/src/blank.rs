//! A Mac on which nothing has been set up, but for Homebrew. Every job that is asked for is known, disabled and does not
//! run; no package is installed.

use crate::MacOs;
use alloc::format;
use alloc::string::String;
use vigo_core::action::{Command, Ran};
use vigo_core::preview::{At, Blank, arguments};

/// The one of this system.
pub static BLANKS: &[Blank] = &[Blank {
    name: "macos",
    host: &MacOs,
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
    "/etc/sudoers.d",
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
        path if path.starts_with("/usr/share/zoneinfo/") => file(""),
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
        ("/bin/launchctl", ["print-disabled", _]) => said("disabled services = {\n}\n"),
        ("/usr/bin/stat", ["-L", ..]) => Some(Ran::exited(1, "501 admin /opt/homebrew/bin/brew\n", NO_OTHER_BREW)),
        ("/opt/homebrew/bin/brew", ["info", ..]) => said("{\"formulae\":[],\"casks\":[]}\n"),
        ("/opt/homebrew/bin/brew", ["tap-info", ..]) => said("[]\n"),
        ("/usr/bin/dscl", ["-plist", ".", "-readall", "/Users", ..]) => said(&records(USERS)),
        ("/usr/bin/dscl", ["-plist", ".", "-readall", "/Groups", ..]) => said(&records(GROUPS)),
        ("/usr/bin/id", ["-u", "root"]) => said("0\n"),
        ("/usr/bin/id", ["-u", "admin"]) => said("501\n"),
        ("/usr/bin/id", ["-u", name]) => Some(Ran::exited(1, "", &format!("id: {name}: no such user\n"))),
        ("/usr/sbin/scutil", ["--get", "HostName"]) => Some(Ran::exited(1, "HostName: not set\n", "")),
        ("/usr/sbin/scutil", ["--get", _]) => said("Mac\n"),
        ("/bin/hostname", _) => said("Mac.local\n"),
        ("/usr/sbin/systemsetup", ["-gettimezone"]) => said("Time Zone: America/Los_Angeles\n"),
        ("/sbin/mount", []) => said("/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)\n"),
        ("crontab", _) => Some(Ran::exited(1, "", "crontab: no crontab for the user\n")),
        ("/bin/sh", ["-c", "echo \"$PPID\""]) => said("2\n"),
        ("ps", args) if args.last() == Some(&"ucomm=") => said("1 launchd\n2 vigo\n"),
        ("ps", _) => said("1 0 Ss 10:00 /sbin/launchd\n2 1 Ss 10:00 vigo\n"),
        _ => None,
    }
}

fn said(out: &str) -> Option<Ran> {
    Some(Ran::exited(0, out, ""))
}

const NO_OTHER_BREW: &str = "stat: /usr/local/bin/brew: stat: No such file or directory\n\
    stat: /home/linuxbrew/.linuxbrew/bin/brew: stat: No such file or directory\n";

const USERS: &[&[(&str, &str)]] = &[
    &[
        ("RecordName", "root"),
        ("UniqueID", "0"),
        ("PrimaryGroupID", "0"),
        ("NFSHomeDirectory", "/var/root"),
        ("UserShell", "/bin/sh"),
    ],
    &[
        ("RecordName", "admin"),
        ("UniqueID", "501"),
        ("PrimaryGroupID", "20"),
        ("NFSHomeDirectory", "/Users/admin"),
        ("UserShell", "/bin/zsh"),
    ],
];

const GROUPS: &[&[(&str, &str)]] = &[
    &[("RecordName", "wheel"), ("PrimaryGroupID", "0"), ("GroupMembership", "root")],
    &[("RecordName", "staff"), ("PrimaryGroupID", "20"), ("GroupMembership", "root")],
    &[("RecordName", "admin"), ("PrimaryGroupID", "80"), ("GroupMembership", "admin")],
];

/// Returns records as `dscl -plist` prints them.
fn records(records: &[&[(&str, &str)]]) -> String {
    let value = |(key, value): &(&str, &str)| {
        format!("<key>dsAttrTypeStandard:{key}</key><array><string>{value}</string></array>\n")
    };
    let record =
        |record: &&[(&str, &str)]| format!("<dict>\n{}</dict>\n", record.iter().map(value).collect::<String>());
    let all: String = records.iter().map(record).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n<array>\n{all}</array>\n</plist>\n")
}
