//! The Image Packaging System: pkg(1).

use super::listing::{Listed, listed};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, OpOutput, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem, ProblemKind};
use vigo_core::resource::package::{
    Action, Ensure, Found, LOCKED_HELP, Package, State, Step, Target, Upgrade, Want, blocked, index_age, touch,
};

/// IPS. *Unverified*: written after the manual page of illumos.
pub(crate) struct Ips;

pub(crate) const PKG: &str = "/usr/bin/pkg";
const STAMP: &str = "/var/cache/vigo/pkg-refreshed";

/// Nothing to do.
const NOTHING_TO_DO: i32 = 4;
/// Another pkg is at work on the image.
const BUSY: i32 = 7;

impl Adapter<Package> for Ips {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        let attribute = match want {
            w if w.purge => Some("purge"),
            w if w.allow_downgrade => Some("allow_downgrade"),
            w if w.cleanup => Some("post_cleanup"),
            w if w.version.as_ref().is_some_and(|v| v.prefix) => Some("version"),
            _ => None,
        };
        let Some(attribute) = attribute else { return Ok(()) };
        let message = format!("attribute `{attribute}` of type `package` is not supported by ips on illumos");
        let problem = Problem { attribute: Some(attribute.into()), ..Problem::unsupported(message) };
        Err(match attribute {
            "version" => problem.help("write the version without `*`: a part of it, such as `1.24.0`, is enough"),
            _ => problem,
        })
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![list(facts, &["-Hv"])];
        match (want.everything, want.ensure) {
            (true, _) => ops.extend([list(facts, &["-Hvu"]), list(facts, &["-Hvn"])]),
            (false, Ensure::Latest) => ops.push(newest(want, facts)),
            _ => {}
        }
        ops.extend(want.refresh_after.map(|_| Op::stat(&AbsPath::known(STAMP))));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        observe(want, outputs, facts).map_or_else(Interpreted::Unknown, Interpreted::Known)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        for action in actions {
            ops.push(Op::Run(call(want, action, facts).timeout(Package::TIMEOUT).accept(&[0, NOTHING_TO_DO])));
            if *action == Action::RefreshIndex {
                ops.push(touch(&AbsPath::known(STAMP)));
            }
        }
        Ok(ops)
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

/// Returns the arguments, for an image below its root.
pub(super) fn args<'a>(facts: &HostFacts, args: impl IntoIterator<Item = &'a str>) -> Vec<Arc<str>> {
    let root = facts.image.as_ref().map(|image| ["-R".into(), image.shared()]);
    root.into_iter().flatten().chain(args.into_iter().map(Arc::from)).collect()
}

fn list(facts: &HostFacts, options: &[&str]) -> Op {
    let args = args(facts, ["list"].into_iter().chain(options.iter().copied()));
    Op::Run(Command::read(PKG, args).output_bytes_max(16 << 20))
}

/// The newest version of each name that a publisher has, installed or not.
fn newest(want: &Want, facts: &HostFacts) -> Op {
    let options: Vec<&str> = core::iter::once("-Hvn").chain(want.names.iter().map(|n| &**n)).collect();
    list(facts, &options)
}

fn call(want: &Want, action: &Action, facts: &HostFacts) -> Command {
    let flagged = |words: &[&str], flags: &[Arc<str>], names: &[Arc<str>]| {
        let mut all = args(facts, words.iter().copied());
        all.extend(flags.iter().chain(names).cloned());
        Command::change(PKG, all)
    };
    let with = |words: &[&str], names: &[Arc<str>]| flagged(words, &want.flags, names);
    // A new boot environment leaves the running system as it was, so every run would make one more, pkg(1).
    let chosen = want.flags.iter().any(|flag| flag.contains("-be"));
    let here = |verb| [&[verb][..], if chosen { &[] } else { &["--deny-new-be"] }].concat();
    let plain = |words: &[&str], names: &[Arc<str>]| flagged(words, &[], names);
    let versioned = |names: &[Arc<str>]| -> Vec<Arc<str>> {
        let version = |name: &Arc<str>| match &want.version {
            Some(version) => format!("{name}@{}", version.text).into(),
            None => name.clone(),
        };
        names.iter().map(version).collect()
    };
    match action {
        Action::RefreshIndex => plain(&["refresh"], &[]),
        Action::Install(names) => with(&[&here("install")[..], &["--accept"]].concat(), &versioned(names)),
        Action::Upgrade(names) | Action::Downgrade(names) => {
            with(&[&here("update")[..], &["--accept"]].concat(), &versioned(names))
        }
        Action::UpgradeAll => with(&[&here("update")[..], &["--accept"]].concat(), &[]),
        Action::Remove(names) => with(&here("uninstall"), names),
        Action::Hold(names) => plain(&["freeze"], names),
        Action::Release(names) => plain(&["unfreeze"], names),
        // `check` has refused it.
        Action::CleanUp => plain(&["list"], &[]),
    }
}

/// Takes the packages out of an answer. Exit 1 is "none of these", 3 "not all of these".
fn answer(outputs: &Outputs, op: &Op) -> Result<Vec<Listed>, String> {
    let ran = match outputs.get(op) {
        Some(OpOutput::Ran(ran)) => ran,
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("`{op}` was not run")),
    };
    if ran.truncated {
        return Err(format!("`{op}` printed more than was expected"));
    }
    let (out, err) = (ran.out(), ran.err());
    let all = listed(&out);
    let none = ["no packages matching", "No packages matching", "no packages have newer", "no packages have known"];
    let says_none = none.iter().any(|text| err.contains(text) || out.contains(text));
    match ran.code() {
        Some(0) if !all.is_empty() => Ok(all),
        Some(0) if out.trim().is_empty() && err.trim().is_empty() => Ok(all),
        Some(1) if all.is_empty() && says_none => Ok(all),
        Some(3) => Ok(all),
        _ => Err(format!("`{op}` ended with {}: {}", ran.exit, err.trim().lines().next().unwrap_or_default())),
    }
}

fn observe(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<State, String> {
    let mut installed = answer(outputs, &list(facts, &["-Hv"]))?;
    installed.retain(|p| p.installed);
    if installed.is_empty() {
        // An image without any package does not run.
        return Err("expected installed packages of `pkg list`, found none".into());
    }
    let newest = match (want.everything, want.ensure) {
        (true, _) => answer(outputs, &list(facts, &["-Hvn"]))?,
        (false, Ensure::Latest) => answer(outputs, &newest(want, facts))?,
        _ => Vec::new(),
    };
    let mut state = State { index: index_age(want, outputs, facts, STAMP), ..State::default() };
    for name in &want.names {
        state.packages.push(found(name, &installed, &newest, want)?);
    }
    if want.everything {
        let old = answer(outputs, &list(facts, &["-Hvu"]))?;
        let upgrade = |p: &Listed| {
            let to = newest.iter().find(|n| n.name == p.name && n.publisher == p.publisher);
            let to = to.map_or("newer", |n| n.version.as_str());
            Upgrade { name: p.name.as_str().into(), from: p.version.as_str().into(), to: to.into() }
        };
        state.upgrades = old.iter().filter(|p| p.installed && !p.frozen).map(upgrade).collect();
    }
    Ok(state)
}

/// Returns the one of several that a name means: the one that is called so, else the only one that ends so.
fn one<'a>(name: &str, all: &'a [Listed]) -> Result<Option<&'a Listed>, String> {
    let hits: Vec<&Listed> = all.iter().filter(|p| !p.obsolete && p.is(name)).collect();
    let exact = hits.iter().find(|p| p.name == name);
    match (&hits[..], exact) {
        ([], _) => Ok(None),
        ([only], _) => Ok(Some(only)),
        (_, Some(exact)) => Ok(Some(exact)),
        (several, None) if several.iter().all(|p| p.name == several[0].name) => Ok(several.first().copied()),
        (several, None) => {
            let names: Vec<String> = several.iter().map(|p| format!("`{}`", p.name)).collect();
            Err(format!("expected one package of the name `{name}`, found {}", names.join(", ")))
        }
    }
}

fn found(name: &Arc<str>, installed: &[Listed], newest: &[Listed], want: &Want) -> Result<Found, String> {
    let Some(package) = one(name, installed)? else { return Ok(Found { name: name.clone(), ..Found::default() }) };
    let version: Arc<str> = package.version.as_str().into();
    let target = match want.ensure {
        Ensure::Latest => match newest.iter().find(|n| n.name == package.name && !n.obsolete) {
            // The newest that is known; where it is the installed one, its line says so.
            Some(new) if !new.installed && new.version != package.version => {
                Target::Version { version: new.version.as_str().into(), step: Step::Up }
            }
            Some(_) => Target::Version { version: version.clone(), step: Step::Same },
            None => Target::Nothing,
        },
        _ => Target::Unasked,
    };
    let spellings = package.spellings().iter().map(|s| s.as_str().into()).collect();
    let installed = Some(version);
    Ok(Found { name: name.clone(), installed, spellings, held: package.frozen, target, ..Found::default() })
}

/// Says what a failed call means.
pub(super) fn classify(ran: &Ran) -> Option<Problem> {
    let (err, out) = (ran.err(), ran.out());
    let first = |text: &str| err.lines().chain(out.lines()).map(str::trim).find(|l| l.contains(text)).map(String::from);
    if ran.code() == Some(BUSY) {
        let said = first("another process").unwrap_or_else(|| "another process is changing the image".into());
        return Some(Problem::new(ProblemKind::Locked, said).help(LOCKED_HELP));
    }
    if let Some(problem) = blocked(ran, IN_THE_WAY) {
        return Some(problem);
    }
    if first("did not match any").is_some() || first("No matching").is_some() {
        let said = first("did not match any").or_else(|| first("No matching")).unwrap_or_default();
        let help = "check the name and version, set its publisher by `repository`, or write `update_cache: true`";
        return Some(Problem::failed(said).help(help));
    }
    None
}

const IN_THE_WAY: &[(&str, &str)] = &[
    ("Unable to contact valid package repository", "check the machine's network and the publisher"),
    ("Could not resolve host", "check the machine's name service and network"),
    ("Framework error", "check the machine's network and the publisher"),
    ("No space left on device", "free some space"),
    ("Read-only file system", "mount the file system for writing"),
];
