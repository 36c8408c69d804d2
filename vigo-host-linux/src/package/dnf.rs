//! dnf, and yum before it.

use super::{rpm, rpm_version};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::package::{
    Action, By, Ensure, Found, LOCKED_HELP, State, Tool, Upgrade, Want, blocked, versioned,
};
use vigo_core::time::Duration;

/// Red Hat and its relatives; yum where there is no dnf.
pub(crate) struct Dnf<const YUM: bool>;

pub(super) static DNF: By<Dnf<false>> = By(Dnf);
pub(super) static YUM: By<Dnf<true>> = By(Dnf);

impl<const YUM: bool> Dnf<YUM> {
    fn program() -> &'static str {
        if YUM { "/usr/bin/yum" } else { "/usr/bin/dnf" }
    }

    fn args<'a>(facts: &HostFacts, args: impl IntoIterator<Item = &'a str>) -> Vec<Arc<str>> {
        let root = facts.image.as_ref().map(|image| Arc::from(format!("--installroot={image}")));
        let fixed = ["-q", "-y"].map(Arc::from);
        fixed.into_iter().chain(root).chain(args.into_iter().map(Arc::from)).collect()
    }
}

impl<const IS_YUM: bool> Tool for Dnf<IS_YUM> {
    const NAME: &'static str = if IS_YUM { "yum" } else { "dnf" };
    const STAMP: &'static str = if IS_YUM { "/var/cache/yum/vigo-refreshed" } else { "/var/cache/dnf/vigo-refreshed" };

    fn lacks(&self, want: &Want) -> Option<&'static str> {
        want.purge.then_some("purge")
    }

    fn query(&self, names: &[Arc<str>], facts: &HostFacts) -> Command {
        rpm::query(names, facts)
    }

    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
        rpm::installed(ran, name)
    }

    fn newer(&self, facts: &HostFacts) -> Command {
        Command::read(Self::program(), Self::args(facts, ["check-update"])).timeout(Duration::from_secs(120))
    }

    /// Exit 100 is "there are some", 0 "there are none".
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        match ran.code() {
            Some(0) => Ok(Vec::new()),
            Some(100) => Ok(listed(&ran.out())),
            _ => {
                let err = ran.err();
                let why =
                    err.lines().rfind(|l| !l.trim().is_empty()).map_or_else(|| ran.exit.to_string(), String::from);
                Err(format!("`{} check-update`: {why}", Self::NAME))
            }
        }
    }

    fn offer(&self, name: &str, facts: &HostFacts) -> Option<Command> {
        (!IS_YUM).then(|| {
            let args = Self::args(facts, ["repoquery", "--available", name]);
            Command::read(Self::program(), args).timeout(Duration::from_secs(120))
        })
    }

    fn offered(&self, ran: &Ran, name: &str) -> Vec<String> {
        // `food-0:1.0-1.noarch`
        let version = |line: &str| {
            let rest = line.trim().strip_prefix(name)?.strip_prefix('-')?;
            let (version, _arch) = rest.rsplit_once('.')?;
            Some(version.strip_prefix("0:").unwrap_or(version).to_string())
        };
        ran.out().lines().filter_map(version).collect()
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        rpm_version::compare(a, b)
    }

    fn holds(&self, facts: &HostFacts) -> Option<Command> {
        Some(Command::read(Self::program(), Self::args(facts, ["versionlock", "list"])))
    }

    /// Lines such as `food-0:1.0-1.*`; yum writes `0:food-1.0-1.*`.
    fn is_held(&self, ran: &Ran, name: &str) -> Result<bool, String> {
        if !ran.success() {
            return Err(format!("`{} versionlock list`: the plugin `versionlock` is not installed", Self::NAME));
        }
        let out = ran.out();
        let locked = |line: &&str| {
            let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(':');
            let rest = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        Ok(out.lines().any(|l| locked(&l)))
    }

    fn call(&self, want: &Want, _: &State, action: &Action, facts: &HostFacts) -> Command {
        let flags = want.flags.iter().map(|f| &**f);
        let names = |verb: &'static str, names: Vec<Arc<str>>| {
            let mut args = Self::args(facts, flags.clone().chain([verb]));
            args.extend(names);
            args
        };
        let args = match action {
            Action::RefreshIndex => Self::args(facts, ["makecache"]),
            Action::Release(list) => plugin(facts, "delete", list, Self::args),
            Action::Hold(list) => plugin(facts, "add", list, Self::args),
            Action::Install(list) => names("install", versioned(want, list, "-")),
            // `upgrade` with a version takes the newest, `install` the one that is named.
            Action::Upgrade(list) if want.ensure == Ensure::Present => names("install", versioned(want, list, "-")),
            Action::Upgrade(list) => names("upgrade", list.clone()),
            Action::Downgrade(list) => names("downgrade", versioned(want, list, "-")),
            Action::UpgradeAll => names(if IS_YUM { "update" } else { "upgrade" }, Vec::new()),
            Action::Remove(list) => names("remove", list.clone()),
            Action::CleanUp => Self::args(facts, ["autoremove"]),
        };
        Command::change(Self::program(), args)
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

fn plugin(
    facts: &HostFacts,
    verb: &'static str,
    names: &[Arc<str>],
    args: fn(&HostFacts, [&'static str; 2]) -> Vec<Arc<str>>,
) -> Vec<Arc<str>> {
    args(facts, ["versionlock", verb]).into_iter().chain(names.iter().cloned()).collect()
}

/// Says what a failed call means.
pub(crate) fn classify(ran: &Ran) -> Option<Problem> {
    if let Some(problem) = blocked(ran, IN_THE_WAY) {
        return Some(problem);
    }
    let err = ran.err();
    let line = err.lines().find(|l| l.starts_with("Error: "))?;
    let problem = Problem::failed(line.trim_start_matches("Error: "));
    Some(if line.contains("Unable to find a match") || line.contains("No match for argument") {
        problem.help("check the name, add its repository, or refresh the index by `update_cache: true`")
    } else {
        problem
    })
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("lock is held", LOCKED_HELP),
    ("Another app is currently holding the yum lock", LOCKED_HELP),
    ("Failed to download metadata", "check the machine's network and the repository"),
    ("Cannot download", "check the machine's network and the repository"),
    ("Could not resolve host", "check the machine's name service and network"),
    ("Cannot retrieve repository metadata", "check the machine's network and the repository"),
    ("No space left on device", "free some space"),
    ("needs more space", "free some space"),
    ("At least", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
    ("rpmdb open failed", "run `rpm --rebuilddb` on the machine"),
];

/// Reads rows of name with architecture, version and repository. A long name stands on a line of its own; what is made
/// obsolete, and remarks on security, are no upgrades.
fn listed(out: &str) -> Vec<Upgrade> {
    let mut upgrades = Vec::new();
    let mut name: Option<&str> = None;
    for line in out.lines() {
        if line.starts_with("Obsoleting") {
            break;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let (named, version) = match (words[..].first(), words.len(), name.take()) {
            (Some(first), 3, _) if !line.starts_with(' ') => (*first, words[1]),
            (Some(first), 2, Some(named)) if line.starts_with(' ') => (named, *first),
            (Some(first), 1, _) if !line.starts_with(' ') => {
                name = Some(first);
                continue;
            }
            _ => continue,
        };
        if let Some((plain, _arch)) = named.rsplit_once('.')
            && version.starts_with(|c: char| c.is_ascii_digit())
        {
            // It does not tell the version that is installed, only that one is.
            upgrades.push(Upgrade { name: plain.into(), from: "installed".into(), to: version.into() });
        }
    }
    upgrades
}
