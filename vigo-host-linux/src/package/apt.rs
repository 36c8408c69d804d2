//! apt and dpkg.

use super::apt_output::{Policy, classify, policy, simulation};
use super::deb_version;
use super::dpkg::{Database, QUERY_FORMAT, Status, rewritten};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{AbsPath, Command, Content, Expect, Op, OpOutput, Outputs, Owner, Ran, Replace};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use vigo_core::resource::package::{
    Action, Ensure, Foretold, Found, Index, NameIs, Package, State, Step, Target, Want,
};
use vigo_core::time::{Duration, Timestamp};

/// Debian and its derivatives.
pub(crate) struct Apt;

const APT_GET: &str = "/usr/bin/apt-get";
const APT_CACHE: &str = "/usr/bin/apt-cache";
const APT_MARK: &str = "/usr/bin/apt-mark";
const DPKG_QUERY: &str = "/usr/bin/dpkg-query";

/// Keep configuration files as they are, wait for another package manager, and take names for names: without the last,
/// apt-get reads an unknown `python3.1` as a regular expression.
const OPTIONS: &[&str] = &[
    "-q",
    "-y",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "DPkg::Lock::Timeout=120",
    "-o",
    "APT::Cmd::Pattern-Only=true",
];

/// apt changes nothing in its lists when they are still current: this is how a refresh shows.
const REFRESHED: &str = "APT::Update::Post-Invoke-Success::=touch /var/lib/apt/periodic/update-success-stamp";

/// The database of a machine with everything installed is a tenth of this.
const STATUS_BYTES_MAX: u64 = 128 << 20;

fn status_path() -> AbsPath {
    AbsPath::known("/var/lib/dpkg/status")
}

fn journal_path() -> AbsPath {
    AbsPath::known("/var/lib/dpkg/updates")
}

fn lists_path() -> AbsPath {
    AbsPath::known("/var/lib/apt/lists")
}

fn stamp_path() -> AbsPath {
    AbsPath::known("/var/lib/apt/periodic/update-success-stamp")
}

impl Adapter<Package> for Apt {
    fn check(&self, want: &Want, _: &HostFacts) -> Result<(), Problem> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.:".contains(c);
        for name in &want.names {
            // A `-` at the end would make apt-get remove the package.
            if !name.chars().all(plain) || name.ends_with('-') || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
            {
                return Err(Problem::bad_value("package", format!("expected a Debian package name, found `{name}`")));
            }
        }
        Ok(())
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        self.probe_all(&[want], facts)
    }

    fn probe_all(&self, wants: &[&Want], facts: &HostFacts) -> Vec<Op> {
        let journal = Op::ListDir { path: journal_path(), deep: false, entries_max: 4096 };
        let status = Op::ReadFile { path: status_path(), follow: true, bytes_max: STATUS_BYTES_MAX };
        let mut ops = alloc::vec![status, journal];
        if wants.iter().any(|w| w.refresh_after.is_some()) {
            ops.push(Op::ListDir { path: lists_path(), deep: false, entries_max: 65_536 });
            ops.push(Op::stat(&stamp_path()));
        }
        let latest = wants.iter().filter(|w| w.ensure == Ensure::Latest);
        let names: BTreeSet<&Arc<str>> = latest.flat_map(|w| &w.names).collect();
        let names: Vec<&Arc<str>> = names.into_iter().collect();
        ops.extend(names.chunks(1000).map(|names| ask_policy(names.iter().copied(), facts)));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let database = match database(outputs) {
            Ok(Some(database)) => database,
            Ok(None) => return Interpreted::Ask(alloc::vec![ask_query(facts)]),
            Err(why) => return Interpreted::Unknown(why),
        };
        let mut state = State { index: index(want, outputs, facts), ..State::default() };
        let (mut policies, mut lists): (Vec<&Arc<str>>, Vec<Op>) = (Vec::new(), Vec::new());
        for name in &want.names {
            let mut found = found(database, name);
            let named = needs_name(want, &found, state.index);
            if named || needs_target(want, &found) {
                match offered(outputs, name) {
                    None => policies.push(name),
                    Some(text) => match policy(&text, name) {
                        None if named => match outputs.get(&ask_names(name, facts)) {
                            None => lists.push(ask_names(name, facts)),
                            Some(answer) => found.name_is = NameIs::Unknown { nearest: near(name, answer) },
                        },
                        offered => found.target = target(want, &found, offered.unwrap_or_default()),
                    },
                }
            }
            state.packages.push(found);
        }
        if !policies.is_empty() {
            return Interpreted::Ask(alloc::vec![ask_policy(policies, facts)]);
        }
        if !lists.is_empty() {
            lists.dedup();
            return Interpreted::Ask(lists);
        }
        let simulated = |actions: &[Action]| {
            let op = simulate(want, actions, facts);
            match outputs.get(&op) {
                Some(OpOutput::Ran(ran)) => Ok(simulation(ran)),
                Some(OpOutput::Failed(failure)) => Ok(Foretold::Refused(Box::new(failure.into()))),
                Some(_) => {
                    let problem = Problem::failed("expected what apt-get would do, found something else");
                    Ok(Foretold::Refused(Box::new(problem)))
                }
                None => Err(Interpreted::Ask(alloc::vec![op])),
            }
        };
        if want.everything {
            match simulated(&[Action::UpgradeAll]) {
                Ok(Foretold::Steps { comes, .. }) => state.upgrades = comes,
                Ok(Foretold::Refused(problem)) => return Interpreted::Unknown(problem.message),
                Ok(Foretold::Unasked) => {}
                Err(ask) => return ask,
            }
        } else if facts.planning {
            let actions = Package::compare(want, &state, vigo_core::host::Phase::Before).actions;
            if actions.iter().any(|a| !matches!(a, Action::RefreshIndex | Action::Hold(_) | Action::Release(_))) {
                match simulated(&actions) {
                    Ok(foretold) => state.foretold = foretold,
                    Err(ask) => return ask,
                }
            }
        }
        Interpreted::Known(state)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        let mut downgraded = false;
        for action in actions {
            match action {
                Action::RefreshIndex => {
                    let args = ["-q", "-o", REFRESHED, "update"].map(Cow::Borrowed);
                    ops.push(Op::Run(change(APT_GET, args.to_vec(), facts)));
                }
                Action::Release(names) => ops.push(mark("unhold", names, facts)),
                Action::Hold(names) => ops.push(mark("hold", names, facts)),
                Action::CleanUp => {
                    let args = OPTIONS.iter().copied().chain(["autoremove"]).map(Cow::Borrowed).collect();
                    // What is left over hurts nobody: any exit is good.
                    let any: Vec<i32> = (0..=255).collect();
                    ops.push(Op::Run(change(APT_GET, args, facts).accept(&any)));
                }
                Action::Install(_) | Action::Upgrade(_) | Action::Downgrade(_) => {
                    if !core::mem::replace(&mut downgraded, true) {
                        ops.push(Op::Run(change(APT_GET, arguments(want, actions, false), facts)));
                    }
                }
                Action::UpgradeAll | Action::Remove(_) => {
                    let one = core::slice::from_ref(action);
                    ops.push(Op::Run(change(APT_GET, arguments(want, one, false), facts)));
                }
            }
        }
        Ok(ops)
    }

    fn shadow(&self, _: &Want, state: &State, actions: &[Action], outputs: &Outputs) -> Vec<Op> {
        let Some(OpOutput::File { content, .. }) = outputs.path(&status_path()) else { return Vec::new() };
        let (mut comes, mut goes): (Vec<(&str, &str)>, Vec<&str>) = (Vec::new(), Vec::new());
        if let Foretold::Steps { comes: c, goes: g } = &state.foretold {
            comes.extend(c.iter().map(|u| (&*u.name, &*u.to)));
            goes.extend(g.iter().map(|n| &**n));
        }
        comes.extend(state.upgrades.iter().map(|u| (&*u.name, &*u.to)));
        for action in actions {
            match action {
                Action::Install(names) | Action::Upgrade(names) | Action::Downgrade(names) => {
                    let unsaid = names.iter().filter(|n| !state_names(&comes).any(|c| c == &***n));
                    let new: Vec<(&str, &str)> = unsaid.map(|n| (&**n, "0")).collect();
                    comes.extend(new);
                }
                Action::Remove(names) => goes.extend(names.iter().map(|n| &**n)),
                _ => {}
            }
        }
        if comes.is_empty() && goes.is_empty() {
            return Vec::new();
        }
        alloc::vec![Op::ReplaceFile(Replace {
            path: status_path(),
            content: Content::Bytes(rewritten(content, &comes, &goes).into()),
            mode: None,
            owner: Owner::default(),
            context: None,
            expect: Expect::Anything,
            validate: None,
            backup: None,
            follow: true,
            parents: false,
        })]
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        classify(ran)
    }
}

fn state_names<'a>(comes: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = &'a str> {
    comes.iter().map(|(name, _)| *name)
}

/// Returns the database; `Ok(None)` when its journal is open and `dpkg-query` must put both together.
fn database(outputs: &Outputs) -> Result<Option<Database<'_>>, String> {
    if let Some(output) = query_output(outputs) {
        return match output {
            OpOutput::Ran(ran) if ran.success() && !ran.truncated => Ok(Some(Database::Query(&ran.stdout))),
            OpOutput::Ran(ran) => Err(format!("`dpkg-query` ended with {}: {}", ran.exit, ran.err().trim())),
            other => Err(format!("expected the package database, found {other:?}")),
        };
    }
    let content = match outputs.path(&status_path()) {
        Some(OpOutput::File { content, .. }) => content,
        Some(OpOutput::Missing) => return Err(format!("`{}` does not exist: this is no Debian system", status_path())),
        Some(OpOutput::Failed(failure)) => return Err(failure.message.clone()),
        _ => return Err(format!("`{}` was not read", status_path())),
    };
    let in_journal = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    match outputs.path(&journal_path()) {
        Some(OpOutput::Dir(entries)) if entries.iter().any(|e| in_journal(&e.path)) => Ok(None),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Ok(Some(Database::Status(content))),
    }
}

fn query_output(outputs: &Outputs) -> Option<&OpOutput> {
    let is_query = |op: &Op| match op {
        Op::Run(c) => &*c.program == DPKG_QUERY,
        _ => false,
    };
    outputs.iter().rev().find(|(op, _)| is_query(op)).map(|(_, output)| output)
}

fn ask_query(facts: &HostFacts) -> Op {
    let admin = facts.image.as_ref().map(|image| format!("--admindir={image}/var/lib/dpkg"));
    let args = admin.into_iter().chain(["-W".to_string(), "-f".to_string(), QUERY_FORMAT.to_string()]);
    Op::Run(Command::read(DPKG_QUERY, args).output_bytes_max(32 << 20))
}

fn ask_policy<'a>(names: impl IntoIterator<Item = &'a Arc<str>>, facts: &HostFacts) -> Op {
    let args = ["policy", "--"].into_iter().chain(names.into_iter().map(|n| &**n)).map(Cow::Borrowed);
    let (program, args) = placed(APT_CACHE, args.collect(), facts);
    Op::Run(Command::read(&program, args).output_bytes_max(8 << 20))
}

/// Returns what `apt-cache policy` printed when it was asked for `name`.
fn offered<'a>(outputs: &'a Outputs, name: &str) -> Option<Cow<'a, str>> {
    let asked = |op: &Op| match op {
        Op::Run(c) => {
            let mut args = c.args.iter().map(|a| a.as_str());
            (&*c.program == APT_CACHE || args.any(|a| a == APT_CACHE)) && c.args.iter().any(|a| a.as_str() == name)
        }
        _ => false,
    };
    match outputs.iter().rev().find(|(op, _)| asked(op))?.1 {
        OpOutput::Ran(ran) => Some(ran.out()),
        _ => Some(Cow::Borrowed("")),
    }
}

fn found(database: Database<'_>, name: &Arc<str>) -> Found {
    let mut found = Found { name: name.clone(), ..Found::default() };
    if let Some(entry) = database.find(name) {
        found.held = entry.held;
        match entry.state {
            Status::Installed => found.installed = Some(entry.version.into()),
            Status::ConfigFiles => found.leftovers = true,
            Status::Between(word) => found.broken = Some(word.into()),
            Status::NotInstalled => {}
        }
    }
    if found.installed.is_none() && found.broken.is_none() {
        found.provider = database.provider(name).map(Arc::from);
    }
    found
}

fn needs_target(want: &Want, found: &Found) -> bool {
    match want.ensure {
        Ensure::Absent => false,
        Ensure::Latest => true,
        Ensure::Present => match (&want.version, &found.installed) {
            (Some(version), Some(installed)) => !version.accepts(installed),
            _ => false,
        },
    }
}

/// Returns whether a package is to come whose name nobody has confirmed. An index that is about to be fetched cannot.
fn needs_name(want: &Want, found: &Found, index: Index) -> bool {
    let comes = found.installed.is_none() && found.broken.is_none() && found.provider.is_none();
    comes && want.ensure != Ensure::Absent && !want.refresh_after.is_some_and(|age| index.older_than(age))
}

/// Asks for all names that begin as this one does.
fn ask_names(name: &str, facts: &HostFacts) -> Op {
    let start = name.chars().next().map(String::from).unwrap_or_default();
    let (program, args) = placed(APT_CACHE, ["pkgnames".into(), "--".into(), start.into()].into(), facts);
    Op::Run(Command::read(&program, args).output_bytes_max(4 << 20))
}

fn near(name: &str, answer: &OpOutput) -> Option<Arc<str>> {
    let OpOutput::Ran(ran) = answer else { return None };
    vigo_core::diagnostic::nearest(name, ran.out().lines()).map(Arc::from)
}

fn target(want: &Want, found: &Found, offered: Policy<'_>) -> Target {
    let version = match &want.version {
        Some(version) => offered.versions.iter().copied().find(|v| version.accepts(v)),
        None => offered.candidate,
    };
    // An exact version is compared also when the index does not know it.
    let exact = want.version.as_ref().filter(|v| !v.prefix).map(|v| &*v.text);
    let Some(version) = version.or(exact) else { return Target::Nothing };
    let step = match found.installed.as_deref().map(|installed| deb_version::compare(version, installed)) {
        None | Some(Ordering::Greater) => Step::Up,
        Some(Ordering::Equal) => Step::Same,
        Some(Ordering::Less) => Step::Down,
    };
    Target::Version { version: version.into(), step }
}

fn index(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Index {
    if want.refresh_after.is_none() {
        return Index::Unknown;
    }
    let fetched = match outputs.path(&lists_path()) {
        Some(OpOutput::Dir(entries)) => {
            let lists = entries.iter().filter(|e| e.path.ends_with("Release") || e.path.contains("_Packages"));
            lists.map(|e| e.meta.mtime_ms).max()
        }
        Some(OpOutput::Missing) => None,
        _ => return Index::Unknown,
    };
    let Some(fetched) = fetched else { return Index::Never };
    let stamped = match outputs.path(&stamp_path()) {
        Some(OpOutput::Stat(meta)) => meta.mtime_ms,
        _ => i64::MIN,
    };
    Index::Age(age(facts.now, fetched.max(stamped)))
}

fn age(now: Timestamp, ms: i64) -> Duration {
    if ms >= now.epoch_ms() { Duration::default() } else { now.since(Timestamp::from_epoch_ms(ms)) }
}

/// Returns the arguments of apt-get that perform `actions`; those which install go into one call.
fn arguments<'a>(want: &'a Want, actions: &'a [Action], simulated: bool) -> Vec<Cow<'a, str>> {
    let mut args: Vec<Cow<'a, str>> = OPTIONS.iter().copied().map(Cow::Borrowed).collect();
    if simulated {
        args.push("-s".into());
    }
    args.extend(want.flags.iter().map(|f| Cow::Borrowed(&**f)));
    let mut names: Vec<Cow<'a, str>> = Vec::new();
    let mut verb = "install";
    for action in actions {
        match action {
            Action::Install(list) | Action::Upgrade(list) | Action::Downgrade(list) => {
                if matches!(action, Action::Downgrade(_)) {
                    args.push("--allow-downgrades".into());
                }
                names.extend(list.iter().map(|n| match &want.version {
                    Some(version) => Cow::Owned(format!("{n}={version}")),
                    None => Cow::Borrowed(&**n),
                }));
            }
            Action::Remove(list) => {
                verb = if want.purge { "purge" } else { "remove" };
                names.extend(list.iter().map(|n| Cow::Borrowed(&**n)));
            }
            Action::UpgradeAll => {
                verb = "upgrade";
                args.push("--with-new-pkgs".into());
            }
            // A simulation does not know of the release before it.
            Action::Release(_) if simulated => args.push("--allow-change-held-packages".into()),
            _ => {}
        }
    }
    args.push(verb.into());
    if !names.is_empty() {
        args.push("--".into());
        args.append(&mut names);
    }
    args
}

fn simulate(want: &Want, actions: &[Action], facts: &HostFacts) -> Op {
    let (program, args) = placed(APT_GET, arguments(want, actions, true), facts);
    Op::Run(Command::read(&program, args).output_bytes_max(8 << 20).timeout(Duration::from_secs(120)))
}

fn mark(verb: &'static str, names: &[Arc<str>], facts: &HostFacts) -> Op {
    let args = [verb, "--"].into_iter().chain(names.iter().map(|n| &**n)).map(Cow::Borrowed);
    Op::Run(change(APT_MARK, args.collect(), facts))
}

fn change(program: &str, args: Vec<Cow<'_, str>>, facts: &HostFacts) -> Command {
    let (program, args) = placed(program, args, facts);
    Command::change(&program, args).env("DEBIAN_FRONTEND", "noninteractive").timeout(Package::TIMEOUT)
}

/// Returns the program and its arguments, in the image where there is one.
fn placed(program: &str, args: Vec<Cow<'_, str>>, facts: &HostFacts) -> (String, Vec<Arc<str>>) {
    let args = args.into_iter().map(|a| Arc::from(&*a));
    match &facts.image {
        None => (program.into(), args.collect()),
        Some(image) => ("chroot".into(), [image.shared(), program.into()].into_iter().chain(args).collect()),
    }
}

#[cfg(test)]
mod tests;
