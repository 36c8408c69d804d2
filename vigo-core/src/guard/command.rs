//! Commands against Vigo.
//!
//! A shell line cannot be judged for certain; this refuses the ways in which a policy takes away its own agent, written
//! plainly. What a command does in the end is held by the operations' own guards where it is one of ours.

use super::path::{holds_own, named_in};
use crate::host::{Problem, ProblemKind};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Vigo's services and packages.
const OWN: &[&str] = &["vigo-envoy", "vigosrv", "vigo-envoy.service", "vigosrv.service", "vigo_envoy"];
const PACKAGES: &[&str] = &["vigo", "vigosrv", "vigocli"];
const SERVICE_TOOLS: &[&str] = &[
    "systemctl",
    "service",
    "rc-service",
    "rc-update",
    "rcctl",
    "svcadm",
    "launchctl",
    "sc",
    "update-rc.d",
    "chkconfig",
    "invoke-rc.d",
    "net",
    "sv",
    "sysrc",
    "stop-service",
    "suspend-service",
    "remove-service",
];
const SERVICE_HARM: &[&str] = &[
    "stop",
    "disable",
    "mask",
    "kill",
    "del",
    "delete",
    "remove",
    "bootout",
    "unload",
    "onestop",
    "faststop",
    "forcestop",
    "down",
    "revert",
    "off",
    "reset-failed",
    "isolate",
    "exit",
    "stop-service",
    "suspend-service",
    "remove-service",
];
const PACKAGE_TOOLS: &[&str] = &[
    "apt",
    "apt-get",
    "aptitude",
    "dpkg",
    "dnf",
    "yum",
    "zypper",
    "pacman",
    "apk",
    "rpm",
    "pkg",
    "pkg_delete",
    "pkgin",
    "brew",
    "choco",
    "winget",
    "scoop",
];
const PACKAGE_HARM: &[&str] = &[
    "remove",
    "purge",
    "autoremove",
    "erase",
    "-e",
    "-r",
    "-p",
    "-rs",
    "-rns",
    "--remove",
    "--purge",
    "delete",
    "del",
    "uninstall",
    "rm",
];
const KILLERS: &[&str] = &["kill", "pkill", "killall", "skill", "taskkill", "stop-process"];
/// What changes a whole tree when it is told to.
const SWEEPERS: &[&str] = &["rm", "chown", "chmod", "chgrp"];
/// What runs the command that follows it.
const WRAPPERS: &[&str] = &["sudo", "doas", "env", "exec", "command", "nice", "ionice", "nohup", "time"];
const PATH_HARM: &[&str] = &[
    "rm", "mv", "chmod", "chown", "chgrp", "truncate", "dd", "shred", "ln", "cp", "install", "tee", "sed", "unlink",
    "rmdir", "find", "mount", "umount", "rsync", "tar", "perl", "python", "python3", "ed", "del", "rd", "rmdir",
    "move", "setfacl", "chattr", "touch", "mkdir", "sqlite3",
];

/// Refuses a shell line or command line that plainly stops, removes or rewrites Vigo.
///
/// # Errors
/// [`Problem`] of kind `Guarded`.
pub fn check_command(text: &str) -> Result<(), Problem> {
    for part in text.split(['\n', ';', '|', '&', '(', ')', '`', '{', '}']) {
        let part_lower = part.to_lowercase();
        let lower = words(&part_lower);
        let tool = |known: &[&str]| {
            let named = |w: &str| known.contains(&base(w)) || known.contains(&program_name(w));
            lower.iter().any(|w| named(w)) || part_lower.split_whitespace().any(|w| named(w.trim_matches(['"', '\''])))
        };
        let word = |known: &[&str]| lower.iter().any(|w| known.contains(&w.strip_suffix(".exe").unwrap_or(w)));
        let service = tool(SERVICE_TOOLS) && word(SERVICE_HARM) && word(OWN);
        let package = tool(PACKAGE_TOOLS) && word(PACKAGE_HARM) && word(PACKAGES);
        let killed = tool(KILLERS) && (word(OWN) || word(PACKAGES));
        let redirected = part.split_once('>').is_some_and(|(_, to)| named_in(to));
        let rewritten = tool(PATH_HARM) && named_in(part);
        let mut run = lower.iter().skip_while(|w| WRAPPERS.contains(&base(w)) || w.starts_with('-') || w.contains('='));
        let swept = run.next().is_some_and(|w| SWEEPERS.contains(&base(w)))
            && lower.iter().any(|w| w.starts_with('-') && w.contains('r'))
            && lower.iter().any(|w| sweeps(w));
        if service || package || killed || redirected || rewritten || swept {
            let shown: String = part.trim().chars().take(120).collect();
            return Err(Problem::new(ProblemKind::Guarded, format!("the command `{shown}` works against Vigo itself"))
                .help("leave Vigo's service, packages and files alone; no flag switches this off"));
        }
    }
    Ok(())
}

/// Splits at blanks, quotes taken away.
fn words(part: &str) -> Vec<String> {
    part.split_whitespace().map(|w| w.replace(['"', '\'', '\\'], "").to_string()).filter(|w| !w.is_empty()).collect()
}

/// Returns the name of a program without its folders, written in either way, and without what Windows ends it with.
pub(super) fn program_name(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    [".exe", ".cmd", ".bat", ".com"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// A whole tree that holds Vigo.
fn sweeps(word: &str) -> bool {
    word.starts_with('/') && holds_own(word.trim_end_matches('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_against_vigo_are_refused_and_others_are_not() {
        let cases = [
            ("systemctl stop vigo-envoy", true),
            ("/usr/bin/systemctl disable --now vigo-envoy.service", true),
            ("systemctl restart nginx && systemctl mask 'vigosrv'", true),
            ("systemctl status vigo-envoy", false),
            ("systemctl stop nginx", false),
            ("apt-get -y remove vigo", true),
            ("apt-get -y install vigo", false),
            ("dpkg -r vigo", true),
            ("rm -rf /etc/vigo-envoy", true),
            ("rm -rf /etc/vigo-envoyx", false),
            ("rm -rf /", true),
            ("rm -rf /var/lib/*", true),
            ("rm -rf //etc/../etc/./", true),
            ("sudo -n rm -fr /usr/lib", true),
            ("FOO=1 chown -R nobody /var", true),
            ("rm /etc/motd", false),
            ("rm -r /srv/www", false),
            ("rm -rf /etc/x/../vigo", true),
            ("rm -rf /etc//vigo-envoy/", true),
            ("cp x '/etc'/vigo/server.yaml", true),
            ("dd if=/dev/null of=/var/lib/vigo/state.redb", true),
            ("rsync -a x localhost:/etc/vigo", true),
            ("del C:\\ProgramData\\Vigo\\state", true),
            ("touch /etc/nginx/../vigo.d", false),
            ("cp /backup/etc/vigo/x /tmp", false),
            ("rm -rf /var/tmp/x", false),
            ("echo x > /var/lib/vigo/state", true),
            ("cat /etc/vigo/server.yaml", false),
            ("pkill vigo", true),
            ("grep -q vigo-envoy /proc/1/comm", false),
            ("sc.exe stop vigo-envoy", true),
            (r"C:\Windows\System32\sc.exe stop vigo-envoy", true),
            ("\"C:\\Windows\\System32\\SC.EXE\" delete \"vigo-envoy\"", true),
            ("sc query vigo-envoy", false),
            ("taskkill /f /im vigo.exe", true),
            ("Stop-Service -Name vigo-envoy", true),
            ("Get-Service -Name vigo-envoy", false),
            (r"r\m -rf /etc/vigo", true),
        ];
        for (text, refused) in cases {
            assert_eq!(check_command(text).is_err(), refused, "{text}");
        }
    }
}
