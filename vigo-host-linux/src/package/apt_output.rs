//! What apt's programs print.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::Ran;
use vigo_core::host::{Problem, ProblemKind};
use vigo_core::resource::package::{Foretold, LOCKED_HELP, Upgrade};

/// What `apt-cache policy` says of a name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Policy<'a> {
    /// What an installation would take; `None` is `(none)`.
    pub(super) candidate: Option<&'a str>,
    /// All versions on offer, the newest first.
    pub(super) versions: Vec<&'a str>,
}

/// Returns what `apt-cache policy` says of `name`; `None` when it says nothing, as of an unknown name. It prints the
/// name of the machine's own architecture without it.
pub(super) fn policy<'a>(text: &'a str, name: &str) -> Option<Policy<'a>> {
    let heading = |name: &str| text.lines().position(|l| l.strip_suffix(':') == Some(name));
    let at = heading(name).or_else(|| heading(name.split_once(':')?.0))?;
    let lines = text.lines().skip(at + 1);
    let mut policy = Policy::default();
    for line in lines.take_while(|l| l.starts_with(' ')) {
        if let Some(candidate) = line.strip_prefix("  Candidate: ") {
            policy.candidate = Some(candidate.trim()).filter(|c| *c != "(none)");
        } else if let Some(row) = line.strip_prefix("     ").or_else(|| line.strip_prefix(" *** "))
            && let Some(version) = row.split(' ').next().filter(|v| !v.is_empty())
        {
            // The sources of a version are indented deeper.
            policy.versions.push(version);
        }
    }
    Some(policy)
}

/// Returns what a simulated run (`-s`) would do.
pub(super) fn simulation(ran: &Ran) -> Foretold {
    if !ran.success() {
        let ended = || Problem::failed(format!("`apt-get -s` ended with {}", ran.exit));
        return Foretold::Refused(Box::new(classify(ran).unwrap_or_else(ended)));
    }
    let (mut comes, mut goes) = (Vec::new(), Vec::new());
    for line in ran.out().lines() {
        if let Some(rest) = line.strip_prefix("Inst ") {
            let mut words = rest.split(' ');
            let Some(name) = words.next() else { continue };
            let Some((before, after)) = rest.split_once('(') else { continue };
            let from = before.split_once('[').and_then(|(_, v)| v.split(']').next()).unwrap_or("");
            let Some(to) = after.split([' ', ')']).next() else { continue };
            comes.push(Upgrade { name: name.into(), from: from.into(), to: to.into() });
        } else if let Some(rest) = line.strip_prefix("Remv ").or_else(|| line.strip_prefix("Purg ")) {
            goes.extend(rest.split(' ').next().map(Into::into));
        }
    }
    goes.sort_unstable();
    goes.dedup();
    Foretold::Steps { comes, goes }
}

/// Returns the error lines of a failed run, joined.
fn errors(ran: &Ran) -> Option<String> {
    let err = ran.err();
    let lines: Vec<&str> = err.lines().filter_map(|l| l.strip_prefix("E: ")).map(str::trim_end).take(8).collect();
    if lines.is_empty() { None } else { Some(lines.join("; ")) }
}

/// What stands in the way on the machine, whatever the policy says: part of an error line, and what to do.
const IN_THE_WAY: &[(&str, &str)] = &[
    ("Could not get lock", LOCKED_HELP),
    ("Unable to acquire the dpkg frontend lock", LOCKED_HELP),
    ("Unable to lock", LOCKED_HELP),
    ("dpkg was interrupted", "run `dpkg --configure -a` on the machine"),
    ("--fix-broken install", "run `apt-get --fix-broken install` on the machine"),
    ("Unmet dependencies", "run `apt-get --fix-broken install` on the machine"),
    ("EXPKEYSIG", "renew the key of the repository"),
    ("NO_PUBKEY", "give the repository its key"),
    ("is not signed", "give the repository its key"),
    ("Temporary failure resolving", "check the machine's name service and network"),
    ("Could not resolve", "check the machine's name service and network"),
    ("Could not connect", "check the machine's network and the repository"),
    ("Unable to connect", "check the machine's network and the repository"),
    ("Connection timed out", "check the machine's network and the repository"),
    ("Failed to fetch", "check the machine's network and the repository, or refresh the index by `update_cache: true`"),
    (
        "Unable to fetch some archives",
        "check the network and the repository, or refresh the index by `update_cache: true`",
    ),
    ("You don't have enough free space", "free some space"),
    ("No space left on device", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
    ("The package lists or status file could not be parsed", "remove what is in `/var/lib/apt/lists` and refresh it"),
    ("Hash Sum mismatch", "wait until the mirror is in order"),
];

/// Says what a failed apt-get means. When dpkg failed below it, dpkg's own output says more.
pub(crate) fn classify(ran: &Ran) -> Option<Problem> {
    let why = errors(ran).filter(|why| !why.contains("Sub-process"))?;
    if let Some((_, help)) = IN_THE_WAY.iter().find(|(text, _)| why.contains(text)) {
        let kind = if *help == LOCKED_HELP { ProblemKind::Locked } else { ProblemKind::Blocked };
        return Some(Problem::new(kind, why).help(help.to_string()));
    }
    let help = if why.contains("Unable to locate package") || why.contains("has no installation candidate") {
        Some("check the name, add its repository, or refresh the index by `update_cache: true`")
    } else if why.starts_with("Version '") && why.contains("was not found") {
        Some("see `apt-cache policy` for the versions on offer, or refresh the index by `update_cache: true`")
    } else if why.contains("--allow-downgrades") {
        Some("write `allow_downgrade: true`")
    } else if why.contains("--allow-change-held-packages") {
        Some("release the held packages that this one changes")
    } else {
        None
    };
    let problem = Problem::failed(why);
    Some(match help {
        Some(help) => problem.help(help),
        None => problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vigo_core::action::Exit;

    fn recorded(text: &str) -> Ran {
        Ran::from_recording(text).unwrap().1
    }

    #[test]
    fn policy_names_candidate_and_versions() {
        let ran = recorded(include_str!("../../tests/fixtures/apt/2.6.1/policy.txt"));
        let seen = policy(&ran.out(), "food").map(|p| (p.candidate.map(String::from), p.versions.join(" ")));
        assert_eq!(seen, Some((Some("1.1".into()), "1.1 1.0".into())));
        assert_eq!(policy(&ran.out(), "foo"), None);
        let none = "a:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\nb:\n  Candidate: 2\n";
        assert_eq!(policy(none, "a"), Some(Policy::default()));
        assert_eq!(policy(none, "b").and_then(|p| p.candidate), Some("2"));
        assert_eq!(policy("", "a"), None);
        assert_eq!(policy(none, "b:amd64").and_then(|p| p.candidate), Some("2"));
        let foreign = "b:\n  Candidate: 2\nb:i386:\n  Candidate: 3\n";
        assert_eq!(policy(foreign, "b:i386").and_then(|p| p.candidate), Some("3"));
    }

    #[test]
    fn a_simulation_says_what_comes_and_goes() {
        let upgrade = recorded(include_str!("../../tests/fixtures/apt/2.6.1/simulate-upgrade.txt"));
        let food = Upgrade { name: "food".into(), from: "1.0".into(), to: "1.1".into() };
        assert_eq!(simulation(&upgrade), Foretold::Steps { comes: alloc::vec![food], goes: Vec::new() });
        let ran = |text: &str| Ran { exit: Exit::Code(0), stdout: text.into(), stderr: Vec::new(), truncated: false };
        let mixed =
            ran("Remv old [1]\nInst new (2:3-1 Debian:12 [amd64]) []\nConf new (2:3-1 x [all])\nInst \nInst x\n");
        let new = Upgrade { name: "new".into(), from: "".into(), to: "2:3-1".into() };
        assert_eq!(simulation(&mixed), Foretold::Steps { comes: alloc::vec![new], goes: alloc::vec!["old".into()] });
        let missing = recorded(include_str!("../../tests/fixtures/apt/2.6.1/install-missing.txt"));
        assert_eq!(simulation(&missing), Foretold::Refused(Box::new(classify(&missing).unwrap())));
    }

    #[test]
    fn refusals_are_told_apart() {
        use ProblemKind::{Failed, Locked};
        let cases = [
            (
                include_str!("../../tests/fixtures/apt/2.6.1/install-locked.txt"),
                Locked,
                "Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 296 (python3); Unable to acquire \
                 the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
                "let the other package manager finish",
            ),
            (
                include_str!("../../tests/fixtures/apt/2.6.1/install-missing.txt"),
                Failed,
                "Unable to locate package nosuch",
                "check the name, add its repository, or refresh the index by `update_cache: true`",
            ),
            (
                include_str!("../../tests/fixtures/apt/2.6.1/install-missing-version.txt"),
                Failed,
                "Version '9' for 'food' was not found",
                "see `apt-cache policy` for the versions on offer, or refresh the index by `update_cache: true`",
            ),
            (
                include_str!("../../tests/fixtures/apt/2.6.1/downgrade-refused.txt"),
                Failed,
                "Packages were downgraded and -y was used without --allow-downgrades.",
                "write `allow_downgrade: true`",
            ),
            (
                include_str!("../../tests/fixtures/apt/2.6.1/install-held.txt"),
                Failed,
                "Held packages were changed and -y was used without --allow-change-held-packages.",
                "release the held packages that this one changes",
            ),
        ];
        for (text, kind, message, help) in cases {
            let problem = classify(&recorded(text)).unwrap();
            assert_eq!((problem.kind, &*problem.message, problem.help.as_deref()), (kind, message, Some(help)));
        }
        let dpkg = Ran { exit: Exit::Code(100), stdout: Vec::new(), stderr: Vec::new(), truncated: false };
        let below = Ran { stderr: "E: Sub-process /usr/bin/dpkg returned an error code (1)\n".into(), ..dpkg.clone() };
        assert_eq!((classify(&dpkg), classify(&below)), (None, None));
    }

    proptest! {
        #[test]
        fn any_output_is_read_without_panic(out in "(Inst |Remv |[a-z\\[\\]() :\n*]){0,60}", err in ".{0,40}", code in 0..2) {
            let ran = Ran { exit: Exit::Code(code), stdout: out.clone().into(), stderr: err.into(), truncated: true };
            let _ = (simulation(&ran), classify(&ran), policy(&out, "a"));
        }
    }
}
