//! apk. Unverified: its output is known from its documentation only.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::package::{Action, By, Ensure, Found, Hold, LOCKED_HELP, State, Tool, Upgrade, Want, blocked};

/// Alpine.
pub(crate) struct Apk;

pub(super) static APK: By<Apk> = By(Apk);

const PROGRAM: &str = "/sbin/apk";

fn args<'a>(facts: &HostFacts, args: impl IntoIterator<Item = &'a str>) -> Vec<Arc<str>> {
    let root = facts.image.as_ref().map(|image| ["--root".into(), image.shared()]);
    root.into_iter().flatten().chain(args.into_iter().map(Arc::from)).collect()
}

/// Splits `name-1.0-r0`.
fn split(text: &str) -> Option<(&str, &str)> {
    let release = text.rfind("-r").filter(|at| text[at + 2..].starts_with(|c: char| c.is_ascii_digit()))?;
    let at = text[..release].rfind('-')?;
    Some((&text[..at], &text[at + 1..]))
}

impl Tool for Apk {
    const NAME: &'static str = "apk";
    const STAMP: &'static str = "/var/cache/apk/vigo-refreshed";

    fn lacks(&self, want: &Want) -> Option<&'static str> {
        match want {
            w if w.purge => Some("purge"),
            w if w.hold != Hold::AsIs => Some("lock_version"),
            w if w.allow_downgrade => Some("allow_downgrade"),
            w if w.cleanup => Some("post_cleanup"),
            w if w.version.as_ref().is_some_and(|v| v.prefix) => Some("version"),
            _ => None,
        }
    }

    fn query(&self, _: &[Arc<str>], facts: &HostFacts) -> Command {
        Command::read(PROGRAM, args(facts, ["info", "-v"])).output_bytes_max(8 << 20)
    }

    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
        if !ran.success() {
            return Err(format!("`apk info -v` ended with {}: {}", ran.exit, ran.err().trim()));
        }
        let out = ran.out();
        let version = out.lines().filter_map(split).find(|(n, _)| *n == &**name).map(|(_, version)| version);
        let plain = version.and_then(|v| v.rsplit_once("-r")).map(|(plain, _)| plain.into());
        let installed = version.map(Arc::from);
        Ok(Found { name: name.clone(), installed, spellings: plain.into_iter().collect(), ..Found::default() })
    }

    fn newer(&self, facts: &HostFacts) -> Command {
        Command::read(PROGRAM, args(facts, ["version", "-v", "-l", "<"]))
    }

    /// Lines such as `food-1.0-r0 < 1.1-r0`, below a heading.
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        if !ran.success() {
            return Err(format!("`apk version` ended with {}: {}", ran.exit, ran.err().trim()));
        }
        let upgrade = |line: &str| {
            let (installed, rest) = line.split_once('<')?;
            let (name, from) = split(installed.trim())?;
            let to = rest.split_whitespace().next()?;
            Some(Upgrade { name: name.into(), from: from.into(), to: to.into() })
        };
        Ok(ran.out().lines().filter_map(upgrade).collect())
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        super::rpm_version::compare(a, b)
    }

    fn call(&self, want: &Want, _: &State, action: &Action, facts: &HostFacts) -> Command {
        let with = |words: &[&str], names: &[Arc<str>]| {
            let versioned = names.iter().map(|name| match &want.version {
                Some(version) if want.ensure == Ensure::Present => format!("{name}={}", version.text).into(),
                _ => name.clone(),
            });
            let wait = ["--wait", "120"];
            let mut all = args(facts, wait.into_iter().chain(words.iter().copied()));
            all.extend(want.flags.iter().cloned());
            all.extend(versioned);
            Command::change(PROGRAM, all)
        };
        match action {
            Action::RefreshIndex => with(&["update"], &[]),
            Action::Install(list) | Action::Downgrade(list) => with(&["add"], list),
            Action::Upgrade(list) if want.ensure == Ensure::Present => with(&["add"], list),
            Action::Upgrade(list) => with(&["add", "--upgrade"], list),
            Action::UpgradeAll => with(&["upgrade"], &[]),
            Action::Remove(list) => with(&["del"], list),
            // `lacks` has refused what these need.
            Action::Release(_) | Action::Hold(_) | Action::CleanUp => with(&["info"], &[]),
        }
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

/// Says what a failed call means.
pub(crate) fn classify(ran: &Ran) -> Option<Problem> {
    if let Some(problem) = blocked(ran, IN_THE_WAY) {
        return Some(problem);
    }
    let err = ran.err();
    let missing = err.lines().find(|l| l.contains("(no such package)"))?;
    let problem = Problem::failed(missing.trim());
    Some(problem.help("check the name, add its repository, or refresh the index by `update_cache: true`"))
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("Unable to lock database", LOCKED_HELP),
    ("temporary error", "check the machine's network and the repository"),
    ("DNS lookup error", "check the machine's name service and network"),
    ("UNTRUSTED signature", "give the repository its key"),
    ("No space left on device", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
];
