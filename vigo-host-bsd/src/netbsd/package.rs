//! pkgin(1) and, where it is missing, pkg_add(1) and pkg_delete(1) of pkgsrc. Known from their manuals and from what others
//! make of them: nothing here has met a real one.

use crate::version;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Ran};
use vigo_core::host::{Adapter, HostFacts, Problem};
use vigo_core::resource::package::{
    Action, By, Ensure, Found, Hold, LOCKED_HELP, Package, State, Tool, Upgrade, Want, blocked, versioned,
};

/// Packages by pkgin.
pub(crate) struct Pkgin;

/// Packages by pkg_add, from where `PKG_PATH` of `/etc/pkg_install.conf` says.
pub(crate) struct PkgAdd;

static PKGIN: By<Pkgin> = By(Pkgin);
static PKG_ADD: By<PkgAdd> = By(PkgAdd);

/// Returns the adapter of `manager`, or of the one that is there.
///
/// # Errors
/// [`Problem`] of kind `Unsupported`, when NetBSD has no such manager.
pub(super) fn select(facts: &HostFacts, manager: Option<&str>) -> Result<&'static dyn Adapter<Package>, Problem> {
    match manager {
        Some("pkgin") => Ok(&PKGIN),
        Some("pkg_add") => Ok(&PKG_ADD),
        None if facts.has("pkgin") => Ok(&PKGIN),
        None => Ok(&PKG_ADD),
        Some(other) => {
            Err(Problem::unsupported(format!("manager `{other}` of type `package` is not supported on netbsd")))
        }
    }
}

pub(super) const PROGRAM: &str = "/usr/pkg/bin/pkgin";
pub(super) const INFO: &str = "/usr/sbin/pkg_info";

fn lacks(want: &Want) -> Option<&'static str> {
    match want {
        w if w.purge => Some("purge"),
        w if w.hold != Hold::AsIs => Some("lock_version"),
        w if w.allow_downgrade => Some("allow_downgrade"),
        w if w.version.as_ref().is_some_and(|v| v.prefix) => Some("version"),
        _ => None,
    }
}

/// Returns the question for what is installed.
pub(super) fn query() -> Command {
    Command::read(INFO, [""; 0]).output_bytes_max(8 << 20)
}

/// Returns the question for all that is on offer, as the index was last fetched, with how what is installed compares.
pub(super) fn offers() -> Command {
    Command::read(PROGRAM, ["-p", "search", "."]).output_bytes_max(16 << 20)
}

/// Splits `py311-foo-1.2nb3` at its last hyphen.
fn split(name: &str) -> Option<(&str, &str)> {
    let (stem, version) = name.rsplit_once('-')?;
    let digits = version.starts_with(|c: char| c.is_ascii_digit());
    (!stem.is_empty() && digits && name.bytes().all(|b| b.is_ascii_graphic())).then_some((stem, version))
}

/// Returns names and versions of the answer to [`query`]: lines such as `bash-5.2.15nb1     The GNU Bourne Again Shell`.
///
/// # Errors
/// A fragment, when it does not say.
pub(super) fn all(ran: &Ran) -> Result<Vec<(String, String)>, String> {
    let (out, err) = (ran.out(), ran.err());
    let none = err.contains("no packages installed") || out.contains("no packages installed");
    if !ran.success() && !none {
        return Err(format!("`pkg_info` ended with {}: {}", ran.exit, err.trim()));
    }
    let lines: Vec<&str> = out.lines().filter(|line| !line.trim().is_empty()).collect();
    let all: Vec<(&str, &str)> = lines.iter().filter_map(|line| split(line.split_whitespace().next()?)).collect();
    if !none && !lines.is_empty() && all.is_empty() {
        return Err(format!("expected names of packages, found `{}`", lines.first().unwrap_or(&"")));
    }
    Ok(all.into_iter().map(|(stem, version)| (stem.into(), version.into())).collect())
}

fn installed(ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
    let all = all(ran)?;
    let version = all.iter().find(|(stem, _)| **stem == **name).map(|(_, version)| &**version);
    let spellings = version.map(|version| Arc::from(version::upstream(version)));
    let installed = version.map(Arc::from);
    Ok(Found { name: name.clone(), installed, spellings: spellings.into_iter().collect(), ..Found::default() })
}

impl Tool for Pkgin {
    const NAME: &'static str = "pkgin";
    const STAMP: &'static str = "/var/db/pkgin/vigo-refreshed";

    fn lacks(&self, want: &Want) -> Option<&'static str> {
        lacks(want)
    }

    fn query(&self, _: &[Arc<str>], _: &HostFacts) -> Command {
        query()
    }

    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
        installed(ran, name)
    }

    fn newer(&self, _: &HostFacts) -> Command {
        offers()
    }

    /// Lines such as `bash-5.2.21;<;The GNU Bourne Again Shell`, among those of the refresh and a legend below: `=` is what
    /// is installed, `<` is newer, `>` is older, and nothing is not installed.
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        if let Some(problem) = blocked(ran, IN_THE_WAY) {
            return Err(problem.message);
        }
        let out = ran.out();
        let offer = |line: &str| -> Option<(Arc<str>, Arc<str>, bool)> {
            let mut fields = line.split(';');
            let (stem, version) = split(fields.next()?.trim())?;
            Some((stem.into(), version.into(), fields.next()?.trim() == "<"))
        };
        let offers: Vec<_> = out.lines().filter_map(offer).collect();
        if !ran.success() || offers.is_empty() {
            return Err(format!("`pkgin search` ended with {}, and named no package: {}", ran.exit, ran.err().trim()));
        }
        let newer = offers.into_iter().filter(|(.., newer)| *newer);
        Ok(newer.map(|(name, to, _)| Upgrade { name, from: "older".into(), to }).collect())
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        version::compare(a, b)
    }

    fn call(&self, want: &Want, _: &State, action: &Action, _: &HostFacts) -> Command {
        let with = |word: &str, names: Vec<Arc<str>>| {
            let mut all: Vec<Arc<str>> = alloc::vec!["-y".into()];
            all.extend(want.flags.iter().cloned());
            all.push(word.into());
            all.extend(names);
            Command::change(PROGRAM, all)
        };
        match action {
            Action::RefreshIndex => with("update", Vec::new()),
            Action::Install(list) | Action::Upgrade(list) | Action::Downgrade(list) => {
                with("install", versioned(want, list, "-"))
            }
            Action::UpgradeAll => with("full-upgrade", Vec::new()),
            Action::Remove(list) => with("remove", list.clone()),
            Action::CleanUp => with("autoremove", Vec::new()),
            // `lacks` has refused what these need.
            Action::Release(_) | Action::Hold(_) => Command::change(INFO, [""; 0]),
        }
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        blocked(ran, IN_THE_WAY).or_else(|| missing(ran))
    }

    /// It may exit 0 when it knows no such package.
    fn objection(&self, _: &Command, ran: &Ran) -> Option<Problem> {
        missing(ran)
    }
}

/// pkgin's own lines, on either stream.
fn missing(ran: &Ran) -> Option<Problem> {
    const WORDS: &[&str] = &["is not available in the repository", "empty available packages list"];
    let (err, out) = (ran.err(), ran.out());
    let line = err.lines().chain(out.lines()).find(|line| WORDS.iter().any(|word| line.contains(word)))?;
    let problem = Problem::failed(line.trim());
    Some(problem.help("check the name, add its repository, or refresh the index by `update_cache: true`"))
}

/// Says what a failed refresh means.
pub(super) fn in_the_way(ran: &Ran) -> Option<Problem> {
    blocked(ran, IN_THE_WAY)
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("pkgin is already running", LOCKED_HELP),
    ("database is locked", LOCKED_HELP),
    ("Could not fetch", "check the machine's network and the repository"),
    ("Unable to fetch", "check the machine's network and the repository"),
    ("Transient resolver failure", "check the machine's name service and network"),
    ("No space left on device", "free some space"),
    ("does not have enough space", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
];

impl Tool for PkgAdd {
    const NAME: &'static str = "pkg_add";
    // There is no index: each call asks the place that `PKG_PATH` names.
    const STAMP: &'static str = "";

    fn lacks(&self, want: &Want) -> Option<&'static str> {
        match want {
            // Nothing tells what is newer before it is there.
            w if w.ensure == Ensure::Latest => Some("state"),
            w if w.cleanup => Some("post_cleanup"),
            w => lacks(w),
        }
    }

    fn query(&self, _: &[Arc<str>], _: &HostFacts) -> Command {
        query()
    }

    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
        installed(ran, name)
    }

    fn newer(&self, _: &HostFacts) -> Command {
        query()
    }

    fn upgrades(&self, _: &Ran) -> Result<Vec<Upgrade>, String> {
        Err("`pkg_add` does not tell what is newer".to_string())
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        version::compare(a, b)
    }

    fn call(&self, want: &Want, _: &State, action: &Action, _: &HostFacts) -> Command {
        let with = |program: &str, words: &[&str], names: Vec<Arc<str>>| {
            let mut all: Vec<Arc<str>> = words.iter().map(|word| Arc::from(*word)).collect();
            all.extend(want.flags.iter().cloned());
            all.push("--".into());
            all.extend(names);
            Command::change(program, all)
        };
        match action {
            Action::Install(list) => with("/usr/sbin/pkg_add", &[], versioned(want, list, "-")),
            Action::Upgrade(list) | Action::Downgrade(list) => {
                with("/usr/sbin/pkg_add", &["-u"], versioned(want, list, "-"))
            }
            Action::Remove(list) => with("/usr/sbin/pkg_delete", &[], list.clone()),
            // There is no index, and `lacks` has refused the others.
            Action::RefreshIndex | Action::UpgradeAll | Action::CleanUp | Action::Release(_) | Action::Hold(_) => {
                Command::change(INFO, [""; 0])
            }
        }
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        if let Some(problem) = blocked(ran, IN_THE_WAY) {
            return Some(problem);
        }
        let err = ran.err();
        let line = err.lines().map(str::trim).find(|line| line.contains("no pkg found for"))?;
        Some(Problem::failed(line).help("check the name, and `PKG_PATH` in `/etc/pkg_install.conf`"))
    }
}
