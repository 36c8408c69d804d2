//! zypper.

use super::{rpm, rpm_version};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Ran};
use vigo_core::host::{HostFacts, Problem, ProblemKind};
use vigo_core::resource::package::{
    Action, By, Ensure, Found, LOCKED_HELP, State, Target, Tool, Upgrade, Want, blocked,
};
use vigo_core::time::Duration;

/// SUSE.
pub(crate) struct Zypper;

pub(super) static ZYPPER: By<Zypper> = By(Zypper);

const PROGRAM: &str = "/usr/bin/zypper";

/// zypper(8): everything is installed, and a reboot or restart is wanted, or a source was passed over.
const SUCCESS: &[i32] = &[0, 102, 103, 106];

/// "After a commit" trouble, although the packages are gone. The database is asked afterwards.
const REMOVED: &[i32] = &[0, 8, 102, 103, 106];

fn args<'a>(facts: &HostFacts, args: impl IntoIterator<Item = &'a str>) -> Vec<Arc<str>> {
    let root = facts.image.as_ref().map(|image| ["--root".into(), image.shared()]);
    let first: Arc<str> = "--non-interactive".into();
    [first].into_iter().chain(root.into_iter().flatten()).chain(args.into_iter().map(Arc::from)).collect()
}

impl Tool for Zypper {
    const NAME: &'static str = "zypper";
    const STAMP: &'static str = "/var/cache/zypp/vigo-refreshed";

    fn lacks(&self, want: &Want) -> Option<&'static str> {
        if want.purge {
            return Some("purge");
        }
        want.cleanup.then_some("post_cleanup")
    }

    fn query(&self, names: &[Arc<str>], facts: &HostFacts) -> Command {
        rpm::query(names, facts)
    }

    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
        rpm::installed(ran, name)
    }

    fn newer(&self, facts: &HostFacts) -> Command {
        Command::read(PROGRAM, args(facts, ["--no-refresh", "--xmlout", "list-updates"]))
            .output_bytes_max(8 << 20)
            .timeout(Duration::from_secs(120))
    }

    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        let out = ran.out();
        if !ran.success() {
            return Err(format!("`zypper list-updates` ended with {}", ran.exit));
        }
        let updates = elements(&out, "update").filter_map(|element| {
            let (name, to) = (attribute(element, "name")?, attribute(element, "edition")?);
            let from = attribute(element, "edition-old").unwrap_or_default();
            let is_package = attribute(element, "kind").as_deref() == Some("package");
            is_package.then(|| Upgrade { name: name.into(), from: from.into(), to: to.into() })
        });
        Ok(updates.collect())
    }

    fn offer(&self, name: &str, facts: &HostFacts) -> Option<Command> {
        let words = ["--no-refresh", "--xmlout", "search", "-s", "--match-exact", "-t", "package", name];
        Some(Command::read(PROGRAM, args(facts, words)).timeout(Duration::from_secs(120)))
    }

    fn offered(&self, ran: &Ran, name: &str) -> Vec<String> {
        let out = ran.out();
        let named = |element: &&str| attribute(element, "name").as_deref() == Some(name);
        elements(&out, "solvable").filter(named).filter_map(|element| attribute(element, "edition")).collect()
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        rpm_version::compare(a, b)
    }

    fn holds(&self, facts: &HostFacts) -> Option<Command> {
        Some(Command::read(PROGRAM, args(facts, ["locks"])))
    }

    /// A table: number, name, type, repository.
    fn is_held(&self, ran: &Ran, name: &str) -> Result<bool, String> {
        if !ran.success() {
            return Err(format!("`zypper locks` ended with {}", ran.exit));
        }
        Ok(ran.out().lines().any(|line| line.split('|').nth(1).map(str::trim) == Some(name)))
    }

    fn call(&self, want: &Want, state: &State, action: &Action, facts: &HostFacts) -> Command {
        let with = |words: &[&str], names: &[Arc<str>]| {
            // zypper has no beginnings of versions: the one that was found for it is named.
            let target = |name: &Arc<str>| match &state.packages.iter().find(|p| p.name == *name)?.target {
                Target::Version { version, .. } => Some(version.clone()),
                _ => want.version.as_ref().filter(|v| !v.prefix).map(|v| v.text.clone()),
            };
            let installs = matches!(action, Action::Install(_) | Action::Upgrade(_) | Action::Downgrade(_));
            let versioned =
                names.iter().map(|name| match target(name).filter(|_| installs && want.version.is_some()) {
                    Some(version) => format!("{name}={version}").into(),
                    None => name.clone(),
                });
            let mut all = args(facts, words.iter().copied());
            all.extend(want.flags.iter().cloned());
            all.extend(versioned);
            Command::change(PROGRAM, all).accept(SUCCESS)
        };
        let install = ["install", "--auto-agree-with-licenses"];
        let command = match action {
            Action::RefreshIndex => Command::change(PROGRAM, args(facts, ["refresh"])),
            Action::Release(list) => with(&["removelock"], list),
            Action::Hold(list) => with(&["addlock"], list),
            Action::Install(list) => with(&install, list),
            Action::Upgrade(list) if want.ensure == Ensure::Latest => {
                with(&["update", "--auto-agree-with-licenses"], list)
            }
            Action::Upgrade(list) => with(&install, list),
            Action::Downgrade(list) => with(&["install", "--auto-agree-with-licenses", "--oldpackage"], list),
            Action::UpgradeAll => with(&["update", "--auto-agree-with-licenses"], &[]),
            Action::Remove(list) => with(&["remove"], list).accept(REMOVED),
            Action::CleanUp => Command::change(PROGRAM, args(facts, ["clean"])),
        };
        command.env("ZYPP_LOCK_TIMEOUT", "120")
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

/// Says what a failed call means.
pub(crate) fn classify(ran: &Ran) -> Option<Problem> {
    const MISSING: i32 = 104;
    const LOCKED: i32 = 7;
    let (err, out) = (ran.err(), ran.out());
    match ran.code() {
        Some(LOCKED) => {
            let problem = Problem::new(ProblemKind::Locked, "another package manager holds the lock");
            Some(problem.help(LOCKED_HELP))
        }
        Some(MISSING) => {
            let why = err.lines().find(|l| !l.trim().is_empty()).unwrap_or("no such package").trim_end_matches('.');
            let problem = Problem::failed(why);
            Some(problem.help("check the name, add its repository, or refresh the index by `update_cache: true`"))
        }
        _ => blocked(ran, IN_THE_WAY).or_else(|| {
            let line = out.lines().find(|l| l.starts_with("Problem: "))?;
            Some(Problem::failed(line.trim_start_matches("Problem: ")))
        }),
    }
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("is locked by the application", LOCKED_HELP),
    ("Could not resolve host", "check the machine's name service and network"),
    ("Valid metadata not found", "check the machine's network and the repository"),
    ("Download (curl) error", "check the machine's network and the repository"),
    ("Timeout exceeded", "check the machine's network and the repository"),
    ("Signature verification failed", "give the repository its key"),
    ("No space left on device", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
];

/// Returns the text inside each `<name …>`.
fn elements<'a>(xml: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    xml.split('<').filter_map(move |part| {
        let inside = part.split('>').next()?;
        let rest = inside.strip_prefix(name)?;
        rest.starts_with(' ').then_some(rest)
    })
}

/// Returns the value of an attribute, with the five entities of XML resolved.
fn attribute(element: &str, name: &str) -> Option<String> {
    let mut rest = element;
    loop {
        let (key, after) = rest.split_once("=\"")?;
        let (value, next) = after.split_once('"')?;
        if key.trim() == name {
            let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
            return Some(plain.iter().fold(value.to_string(), |text, (entity, c)| text.replace(entity, c)));
        }
        rest = next;
    }
}
