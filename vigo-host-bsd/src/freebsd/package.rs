//! pkg(8).

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Ran};
use vigo_core::host::{HostFacts, Problem};
use vigo_core::resource::package::{Action, By, Found, LOCKED_HELP, State, Tool, Upgrade, Want, blocked, versioned};

/// Packages of FreeBSD and DragonFly.
pub(super) struct Pkg;

/// The adapter.
pub(super) static PKG: By<Pkg> = By(Pkg);

const PROGRAM: &str = "pkg";

/// What pkg(7) says, which stands in for pkg(8) until that is installed.
const NOT_INSTALLED: &str = "is not yet installed on your system";

/// Returns the call: in the system of an image, if there is one, and never with a question.
fn call(facts: &HostFacts, args: Vec<Arc<str>>, new: fn(&str, Vec<Arc<str>>) -> Command) -> Command {
    let root = facts.image.as_ref().map(|image| ["-r".into(), image.shared()]);
    new(PROGRAM, root.into_iter().flatten().chain(args).collect())
}

fn read(facts: &HostFacts, args: &[&str]) -> Command {
    call(facts, args.iter().map(|a| Arc::from(*a)).collect(), Command::read).output_bytes_max(8 << 20)
}

/// Returns a call that changes something. The first one on a machine installs pkg(8) itself.
pub(super) fn change(facts: &HostFacts, args: Vec<Arc<str>>) -> Command {
    call(facts, args, Command::change).env("ASSUME_ALWAYS_YES", "yes")
}

fn failed(question: &str, ran: &Ran) -> String {
    let err = ran.err();
    let said = err.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    format!("`pkg {question}` ended with {}: {said}", ran.exit)
}

fn nothing_installed(ran: &Ran) -> bool {
    !ran.success() && ran.err().contains(NOT_INSTALLED)
}

impl Tool for Pkg {
    const NAME: &'static str = "pkg";
    const STAMP: &'static str = "/var/db/pkg/vigo-refreshed";

    fn lacks(&self, want: &Want) -> Option<&'static str> {
        match want {
            w if w.purge => Some("purge"),
            w if w.allow_downgrade => Some("allow_downgrade"),
            _ => None,
        }
    }

    fn query(&self, _: &[Arc<str>], facts: &HostFacts) -> Command {
        read(facts, &["query", "-a", "%n %v %o %k"])
    }

    /// A package has a name and an origin, `www/nginx`; several flavors may have one origin.
    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
        let absent = Found { name: name.clone(), ..Found::default() };
        if nothing_installed(ran) {
            return Ok(absent);
        }
        let out = ran.out();
        if !ran.success() || out.trim().is_empty() {
            return Err(failed("query", ran));
        }
        let mut found = absent;
        for line in out.lines().filter(|l| !l.trim().is_empty()) {
            let fields: Vec<&str> = line.split(' ').collect();
            let [own, version, origin, locked @ ("0" | "1")] = fields[..] else {
                return Err(format!("expected name, version, origin and lock of a package, found `{line}`"));
            };
            if own == &**name || (origin == &**name && found.installed.is_none()) {
                found.installed = Some(version.into());
                found.held = locked == "1";
                found.spellings = spellings(version);
            }
        }
        Ok(found)
    }

    /// With the catalogue as it is: a look changes nothing.
    fn newer(&self, facts: &HostFacts) -> Command {
        read(facts, &["upgrade", "-n", "-U"])
    }

    /// Exit 1 with a list is "there are some".
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        if nothing_installed(ran) {
            return Ok(Vec::new());
        }
        let out = ran.out();
        let upgrades = listed(&out);
        match ran.code() {
            Some(0 | 1) if !upgrades.is_empty() => Ok(upgrades),
            Some(0) if out.contains("packages are up to date") => Ok(upgrades),
            _ => Err(failed("upgrade -n", ran)),
        }
    }

    fn offer(&self, name: &str, facts: &HostFacts) -> Option<Command> {
        Some(read(facts, &["rquery", "-U", "%v", name]))
    }

    fn offered(&self, ran: &Ran, _: &str) -> Vec<String> {
        let versions: BTreeSet<String> = ran.out().lines().map(|l| l.trim().to_string()).collect();
        versions.into_iter().filter(|v| !v.is_empty() && ran.success()).collect()
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        compare(a, b)
    }

    fn call(&self, want: &Want, _: &State, action: &Action, facts: &HostFacts) -> Command {
        let with = |words: &[&str], names: Vec<Arc<str>>| {
            let words = words.iter().map(|w| Arc::from(*w)).chain(want.flags.iter().cloned());
            let end = (!names.is_empty()).then(|| "--".into());
            change(facts, words.chain(end).chain(names).collect())
        };
        match action {
            Action::RefreshIndex => with(&["update"], Vec::new()),
            Action::Install(names) => with(&["install", "-y"], versioned(want, names, "-")),
            Action::Upgrade(names) | Action::Downgrade(names) if want.version.is_some() => {
                with(&["install", "-y"], versioned(want, names, "-"))
            }
            Action::Upgrade(names) | Action::Downgrade(names) => with(&["upgrade", "-y"], names.clone()),
            Action::UpgradeAll => with(&["upgrade", "-y"], Vec::new()),
            Action::Remove(names) => with(&["delete", "-y"], names.clone()),
            Action::Hold(names) => with(&["lock", "-y"], names.clone()),
            Action::Release(names) => with(&["unlock", "-y"], names.clone()),
            Action::CleanUp => with(&["autoremove", "-y"], Vec::new()),
        }
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

/// Says what a failed call means.
pub(super) fn classify(ran: &Ran) -> Option<Problem> {
    if let Some(problem) = blocked(ran, IN_THE_WAY) {
        return Some(problem);
    }
    let err = ran.err();
    let line = err.lines().find_map(|l| l.trim().strip_prefix("pkg: "))?;
    let problem = Problem::failed(line);
    Some(match line.contains("No packages available to install") {
        true => problem.help("check the name, add its repository, or refresh the index by `update_cache: true`"),
        false => problem,
    })
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("locked by another process", LOCKED_HELP),
    (
        "Newer FreeBSD version for package",
        "upgrade the system first, or write `IGNORE_OSVERSION = yes` into /usr/local/etc/pkg.conf",
    ),
    ("wrong architecture", "correct the URL of the repository, or upgrade the system first"),
    ("No address record", "check the machine's name service and network"),
    ("Host does not resolve", "check the machine's name service and network"),
    ("Operation timed out", "check the machine's network and the repository"),
    ("Connection refused", "check the machine's network and the repository"),
    ("Unable to update repository", "check the machine's network and the repository"),
    ("cannot be opened", "refresh the index by `update_cache: true`"),
    ("Not enough space", "free some space"),
    ("No space left on device", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
];

/// Returns the version without its port's revision and epoch, as its authors spell it.
fn spellings(version: &str) -> Vec<Arc<str>> {
    let plain = version.split_once([',', '_']).map(|(plain, _)| plain);
    plain.into_iter().map(Arc::from).collect()
}

/// Reads the lists that pkg prints before it asks whether to go on: a heading in the first column, packages behind a tab.
fn listed(out: &str) -> Vec<Upgrade> {
    let mut upgrades = Vec::new();
    let mut heading = "";
    for line in out.lines() {
        let Some(item) = line.strip_prefix(['\t', ' ']) else {
            heading = line.trim();
            continue;
        };
        let item = item.trim();
        let upgrade = match heading {
            h if h.ends_with("to be INSTALLED:") => item.split_once(": ").map(|(name, to)| (name, "", first(to))),
            h if h.ends_with("to be UPGRADED:") || h.ends_with("to be DOWNGRADED:") => {
                let versions = item.split_once(": ").and_then(|(name, rest)| Some((name, rest.split_once(" -> ")?)));
                versions.map(|(name, (from, to))| (name, from.trim(), first(to)))
            }
            // The same version, built anew.
            h if h.ends_with("to be REINSTALLED:") => {
                first(item).rsplit_once('-').map(|(name, version)| (name, version, version))
            }
            _ => None,
        };
        upgrades.extend(upgrade.map(|(name, from, to)| Upgrade {
            name: name.into(),
            from: from.into(),
            to: to.into(),
        }));
    }
    upgrades
}

/// Returns what stands before the name of the repository.
fn first(text: &str) -> &str {
    text.split_ascii_whitespace().next().unwrap_or_default()
}

/// Compares two versions, `version_revision,epoch`, as pkg-version(8) does: the epoch counts most, the revision least.
fn compare(a: &str, b: &str) -> Ordering {
    let parts = |version| {
        let (rest, epoch) = tail(version, ',');
        let (version, revision) = tail(rest, '_');
        (epoch, version, revision)
    };
    let ((a_epoch, a, a_revision), (b_epoch, b, b_revision)) = (parts(a), parts(b));
    a_epoch.cmp(&b_epoch).then_with(|| dotted(a, b)).then(a_revision.cmp(&b_revision))
}

/// Splits a number off the end.
fn tail(version: &str, sign: char) -> (&str, u64) {
    match version.rsplit_once(sign).map(|(rest, number)| (rest, number.parse())) {
        Some((rest, Ok(number))) => (rest, number),
        _ => (version, 0),
    }
}

/// Compares run by run. `alpha`, `beta`, `pre` and `rc` come before nothing; `pl` and
/// other letters after it, numbers last.
fn dotted(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (runs(a), runs(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (a, b) => match rank(a.unwrap_or("")).cmp(&rank(b.unwrap_or(""))) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

/// Returns the runs of digits and of letters.
fn runs(version: &str) -> impl Iterator<Item = &str> {
    let mut rest = version;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let digits = rest.starts_with(|c: char| c.is_ascii_digit());
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() || c.is_ascii_digit() != digits);
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        (!run.is_empty()).then_some(run)
    })
}

/// Returns what orders a run: what it is, its number without leading zeros by length and digits, or its letters.
fn rank(run: &str) -> (i8, usize, &str) {
    match run {
        "alpha" => (-4, 0, ""),
        "beta" => (-3, 0, ""),
        "pre" => (-2, 0, ""),
        "rc" => (-1, 0, ""),
        "" => (0, 0, ""),
        "pl" => (1, 0, ""),
        run if run.starts_with(|c: char| c.is_ascii_digit()) => {
            let digits = run.trim_start_matches('0');
            // A part that is 0 is as good as none: 1.0 is 1.
            if digits.is_empty() { (0, 0, "") } else { (3, digits.len(), digits) }
        }
        letters => (2, 0, letters),
    }
}

#[cfg(test)]
mod tests;
