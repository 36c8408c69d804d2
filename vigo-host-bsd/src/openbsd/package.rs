//! pkg_add(1), pkg_delete(1), pkg_info(1). Known from their manuals and sources, and from what others make of them:
//! nothing here has met a real one.

use super::spec::{Installed, Spec};
use crate::version;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Ran};
use vigo_core::host::{Family, HostFacts, Problem};
use vigo_core::resource::package::{
    Action, By, Ensure, Found, Hold, LOCKED_HELP, Package, State, Tool, Upgrade, Want, blocked,
};

/// Packages of OpenBSD.
pub(crate) struct PkgAdd;

pub(super) static PKG_ADD: By<PkgAdd> = By(PkgAdd);

const ADD: &str = "/usr/sbin/pkg_add";
const DELETE: &str = "/usr/sbin/pkg_delete";
const INFO: &str = "/usr/sbin/pkg_info";

impl Tool for PkgAdd {
    const NAME: &'static str = "pkg_add";
    // There is no index: each call asks the mirror.
    const STAMP: &'static str = "";

    fn lacks(&self, want: &Want) -> Option<&'static str> {
        match want {
            w if w.purge => Some("purge"),
            w if w.hold != Hold::AsIs => Some("lock_version"),
            w if w.allow_downgrade => Some("allow_downgrade"),
            w if w.version.as_ref().is_some_and(|v| v.prefix) => Some("version"),
            _ => None,
        }
    }

    fn query(&self, _: &[Arc<str>], _: &HostFacts) -> Command {
        Command::read(INFO, ["-q", "-a"]).output_bytes_max(8 << 20)
    }

    /// Full names, a line each: `vim-9.0.1p0-no_x11`.
    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String> {
        if !ran.success() {
            return Err(format!("`pkg_info -q -a` ended with {}: {}", ran.exit, said(ran)));
        }
        let out = ran.out();
        let lines: Vec<&str> = out.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let all: Vec<Installed<'_>> = lines.iter().filter_map(|line| Installed::parse(line)).collect();
        if let (false, true) = (lines.is_empty(), all.is_empty()) {
            return Err(format!("expected names of packages, found `{}`", lines.first().unwrap_or(&"")));
        }
        let spec = Spec::parse(name);
        let ours = all.iter().filter(|installed| spec.accepts(installed));
        let newest = ours.max_by(|a, b| version::compare(a.version, b.version));
        let mut found = Found { name: name.clone(), ..Found::default() };
        if let Some(installed) = newest {
            found.installed = Some(installed.version_and_flavors().into());
            found.spellings = [installed.version, version::upstream(installed.version)].map(Arc::from).into();
        }
        Ok(found)
    }

    fn newer(&self, _: &HostFacts) -> Command {
        // It asks the mirror, and does nothing.
        Command::read(ADD, ["-I", "-x", "-n", "-u"]).timeout(Package::TIMEOUT).output_bytes_max(8 << 20)
    }

    /// Lines such as `vim-9.0.1->9.0.2: ok`, among others.
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String> {
        if let Some(problem) = in_the_way(ran) {
            return Err(problem.message);
        }
        if !ran.success() {
            return Err(format!("`pkg_add -n -u` ended with {}: {}", ran.exit, said(ran)));
        }
        let out = ran.out();
        Ok(out.lines().filter_map(upgrade).collect())
    }

    /// A policy names stems, flavors and branches; an upgrade has a stem, and the version and flavors before it.
    fn is_of(&self, upgrade: &Upgrade, name: &str) -> bool {
        let before = format!("{}-{}", upgrade.name, upgrade.from);
        Installed::parse(&before).is_some_and(|installed| Spec::parse(name).accepts(&installed))
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        version::compare(a, b)
    }

    fn call(&self, want: &Want, state: &State, action: &Action, _: &HostFacts) -> Command {
        let with = |program: &str, words: &[&str], names: Vec<String>| {
            let mut all: Vec<Arc<str>> = ["-I", "-x"].iter().chain(words).map(|word| Arc::from(*word)).collect();
            all.extend(want.flags.iter().cloned());
            all.extend((!names.is_empty()).then(|| "--".into()));
            all.extend(names.into_iter().map(Arc::from));
            Command::change(program, all)
        };
        let specs = |list: &[Arc<str>]| -> Vec<String> {
            let version = want.version.as_ref().filter(|_| want.ensure == Ensure::Present);
            list.iter()
                .map(|name| version.map_or_else(|| name.to_string(), |v| Spec::parse(name).versioned(&v.text)))
                .collect()
        };
        match action {
            Action::Install(list) => with(ADD, &[], specs(list)),
            Action::Upgrade(list) | Action::Downgrade(list) if want.ensure == Ensure::Present => {
                with(ADD, &["-r"], specs(list))
            }
            Action::Upgrade(list) | Action::Downgrade(list) => with(ADD, &["-u"], specs(list)),
            Action::UpgradeAll => with(ADD, &["-u"], Vec::new()),
            Action::Remove(list) => {
                // By the whole name: a branch means nothing to pkg_delete(1).
                let whole = |name: &Arc<str>| {
                    let found = state.packages.iter().find(|found| found.name == *name);
                    let version = found.and_then(|found| found.installed.as_deref());
                    version.map_or_else(|| name.to_string(), |v| format!("{}-{v}", Spec::parse(name).stem))
                };
                with(DELETE, &[], list.iter().map(whole).collect())
            }
            Action::CleanUp => with(DELETE, &["-a"], Vec::new()),
            // There is no index, and `lacks` has refused holds.
            Action::RefreshIndex | Action::Release(_) | Action::Hold(_) => Command::change(INFO, ["-q", "-a"]),
        }
    }

    fn classify(&self, ran: &Ran) -> Option<Problem> {
        in_the_way(ran).or_else(|| missing(ran))
    }

    /// It exits 0 when nothing was found: what it says on standard error decides, but for a folder on the way that is empty,
    /// and where the package was added after all.
    fn objection(&self, command: &Command, ran: &Ran) -> Option<Problem> {
        if &*command.program != ADD {
            return None;
        }
        let err = ran.err();
        let harmless = |line: &str| line.contains("directory is empty") || line.ends_with("is empty");
        let line = err.lines().map(str::trim).find(|line| !line.is_empty() && !harmless(line))?;
        let out = ran.out();
        let names = command.args.iter().skip_while(|arg| arg.as_str() != "--").skip(1);
        let added = |name: &str| {
            let stem = Spec::parse(name).stem;
            let is = |line: &str| line.trim().ends_with(": ok") && line.contains(&format!("{stem}-"));
            out.lines().any(is)
        };
        let mut names = names.peekable();
        if names.peek().is_some() && names.all(|name| added(name.as_str())) {
            return None;
        }
        Some(in_the_way(ran).or_else(|| missing(ran)).unwrap_or_else(|| Problem::failed(line)))
    }
}

fn said(ran: &Ran) -> String {
    ran.err().lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_string()
}

fn upgrade(line: &str) -> Option<Upgrade> {
    let line = line.trim();
    let (from, rest) = line.split_once("->")?;
    let from = Installed::parse(from.rsplit(' ').next()?)?;
    let to = rest.trim().split([':', ' ']).next().filter(|to| !to.is_empty())?;
    // The new name is whole, or what differs of it.
    let to = Installed::parse(to).map_or_else(|| to.to_string(), |to| to.version_and_flavors().to_string());
    let differs = to != from.version_and_flavors();
    differs.then(|| Upgrade { name: from.stem.into(), from: from.version_and_flavors().into(), to: to.into() })
}

fn missing(ran: &Ran) -> Option<Problem> {
    let err = ran.err();
    let line = err.lines().map(str::trim).find(|line| line.starts_with("Can't find "))?;
    Some(Problem::failed(line).help("check the name, and the mirror in `/etc/installurl`"))
}

fn in_the_way(ran: &Ran) -> Option<Problem> {
    blocked(ran, IN_THE_WAY)
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("already locked", LOCKED_HELP),
    ("no address associated with name", "check the machine's name service and network"),
    ("Host name not found", "check the machine's name service and network"),
    ("No route to host", "check the machine's network"),
    ("connect timed out", "check the machine's network and the mirror"),
    (": no such dir", "check the mirror in `/etc/installurl`"),
    ("404 Not Found", "check the mirror in `/etc/installurl`"),
    ("signify: ", "check the mirror in `/etc/installurl` and the keys in `/etc/signify`"),
    ("is not large enough", "free some space"),
    ("No space left on device", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
];
