//! pacman.

use super::rpm_version;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::package::{
    Action, By, Found, Hold, LOCKED_HELP, State, Tool, Upgrade, Want, blocked, versioned,
};

/// Arch.
pub(crate) struct Pacman;

pub(super) static PACMAN: By<Pacman> = By(Pacman);

const PROGRAM: &str = "/usr/bin/pacman";

fn args<'a>(facts: &HostFacts, args: impl IntoIterator<Item = &'a str>) -> Vec<Arc<str>> {
    let root = facts.image.as_ref().map(|image| ["--root".into(), image.shared()]);
    let first: Arc<str> = "--noconfirm".into();
    [first].into_iter().chain(root.into_iter().flatten()).chain(args.into_iter().map(Arc::from)).collect()
}

impl Tool for Pacman {
    const NAME: &'static str = "pacman";
    const STAMP: &'static str = "/var/cache/pacman/vigo-refreshed";

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
        Command::read(PROGRAM, args(facts, ["-Q"])).output_bytes_max(8 << 20)
    }

    /// Exit 1 and silence is "nothing is installed", as in an image that is begun.
    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
        if !(ran.success() || is_none(ran)) {
            return Err(format!("`pacman -Q` ended with {}: {}", ran.exit, ran.err().trim()));
        }
        let out = ran.out();
        let version = out.lines().find_map(|l| l.strip_prefix(&**name)?.strip_prefix(' '));
        let spellings = version.and_then(|v| v.rsplit_once('-')).map(|(plain, _)| plain.into());
        let installed = version.map(Arc::from);
        Ok(Found { name: name.clone(), installed, spellings: spellings.into_iter().collect(), ..Found::default() })
    }

    fn newer(&self, facts: &HostFacts) -> Command {
        Command::read(PROGRAM, args(facts, ["-Qu"]))
    }

    /// Exit 1 and silence is "there are none".
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        if !(ran.success() || is_none(ran)) {
            return Err(format!("`pacman -Qu` ended with {}: {}", ran.exit, ran.err().trim()));
        }
        let upgrade = |line: &str| {
            let (name, rest) = line.split_once(' ')?;
            let (from, to) = rest.split_once(" -> ")?;
            // `[ignored]` may follow: the machine's own configuration holds it.
            (!to.contains(' ')).then(|| Upgrade { name: name.into(), from: from.into(), to: to.into() })
        };
        Ok(ran.out().lines().filter_map(upgrade).collect())
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        // vercmp(8) took its rules from rpm.
        rpm_version::compare(a, b)
    }

    fn call(&self, want: &Want, _: &State, action: &Action, facts: &HostFacts) -> Command {
        let with = |words: &[&str], names: Vec<Arc<str>>| {
            let mut all = args(facts, words.iter().copied());
            all.extend(want.flags.iter().cloned());
            all.extend(names);
            Command::change(PROGRAM, all)
        };
        match action {
            Action::RefreshIndex => with(&["-Sy", "--noprogressbar"], Vec::new()),
            Action::Install(list) | Action::Upgrade(list) | Action::Downgrade(list) => {
                with(&["-S", "--needed", "--noprogressbar"], versioned(want, list, "="))
            }
            Action::UpgradeAll => with(&["-Su", "--noprogressbar"], Vec::new()),
            Action::Remove(list) => with(&["-R", "--noprogressbar"], list.clone()),
            // `lacks` has refused what these need.
            Action::Release(_) | Action::Hold(_) | Action::CleanUp => with(&["-Q"], Vec::new()),
        }
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

/// Returns whether a question found nothing, as pacman tells it.
fn is_none(ran: &Ran) -> bool {
    ran.code() == Some(1) && ran.out().trim().is_empty() && ran.err().trim().is_empty()
}

/// Says what a failed call means.
pub(crate) fn classify(ran: &Ran) -> Option<Problem> {
    if let Some(problem) = blocked(ran, IN_THE_WAY) {
        return Some(problem);
    }
    let err = ran.err();
    let line = err.lines().find_map(|l| l.strip_prefix("error: "))?;
    let problem = Problem::failed(line);
    Some(if line.starts_with("target not found") {
        problem.help("check the name, add its repository, or refresh the index by `update_cache: true`")
    } else {
        problem
    })
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("unable to lock database", LOCKED_HELP),
    ("Could not resolve host", "check the machine's name service and network"),
    ("failed retrieving file", "check the machine's network, or refresh the index by `update_cache: true`"),
    ("failed to synchronize", "check the machine's network and the repository"),
    ("not enough free disk space", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
];
