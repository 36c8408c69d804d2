//! apt and dpkg.

use super::apt_output::{classify, policy, simulation};
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
use vigo_core::resource::package::{Action, Ensure, Foretold, Found, Index, Package, State, Step, Target, Want};
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
        let mut unasked = Vec::new();
        for name in &want.names {
            let mut found = found(database, name);
            if needs_target(want, &found) {
                match offered(outputs, name) {
                    Some(text) => found.target = target(want, &found, &text),
                    None => unasked.push(name),
                }
            }
            state.packages.push(found);
        }
        if !unasked.is_empty() {
            return Interpreted::Ask(alloc::vec![ask_policy(unasked, facts)]);
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

fn target(want: &Want, found: &Found, text: &str) -> Target {
    let offered = policy(text, &found.name).unwrap_or_default();
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
mod tests {
    use super::*;
    use vigo_core::action::{Effect, Entry, Exit, FileKind, Metadata};
    use vigo_core::host::Phase;
    use vigo_core::resource::package::{Hold, Version};

    const STATUS: &str = "Package: food\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\
Provides: eatable\n\nPackage: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n";

    fn want(names: &[&str], ensure: Ensure) -> Want {
        Want {
            names: names.iter().map(|n| Arc::from(*n)).collect(),
            everything: false,
            ensure,
            version: None,
            allow_downgrade: false,
            purge: false,
            refresh_after: None,
            hold: Hold::AsIs,
            cleanup: false,
            flags: Vec::new(),
        }
    }

    fn meta(mtime_ms: i64) -> Metadata {
        let (kind, context, target) = (FileKind::File, None, None);
        Metadata { kind, mode: 0o644, uid: 0, gid: 0, size: 0, mtime_ms, dev: 1, ino: 1, nlink: 1, target, context }
    }

    fn recorded(text: &str) -> OpOutput {
        OpOutput::Ran(Ran::from_recording(text).unwrap().1)
    }

    struct Machine {
        status: OpOutput,
        journal: &'static [&'static str],
        query: &'static str,
        policy: &'static str,
        simulated: &'static str,
        lists: &'static [(&'static str, i64)],
        stamp: Option<i64>,
    }

    fn machine() -> Machine {
        Machine {
            status: OpOutput::File { meta: meta(0), content: STATUS.as_bytes().into() },
            journal: &[],
            query: "",
            policy: include_str!("../../tests/fixtures/apt/2.6.1/policy.txt"),
            simulated: include_str!("../../tests/fixtures/apt/2.6.1/simulate-upgrade.txt"),
            lists: &[],
            stamp: None,
        }
    }

    impl Machine {
        fn answer(&self, op: &Op) -> OpOutput {
            assert_eq!(op.effect(), Effect::Reads, "{op}");
            let entries = |items: &[(&str, i64)]| {
                OpOutput::Dir(items.iter().map(|(p, t)| Entry { path: (*p).into(), meta: meta(*t) }).collect())
            };
            match op {
                Op::ReadFile { .. } => self.status.clone(),
                Op::ListDir { path, .. } if *path == journal_path() => {
                    entries(&self.journal.iter().map(|n| (*n, 0)).collect::<Vec<_>>())
                }
                Op::ListDir { .. } => entries(self.lists),
                Op::Stat { .. } => self.stamp.map_or(OpOutput::Missing, |t| OpOutput::Stat(meta(t))),
                Op::Run(c) if &*c.program == DPKG_QUERY => recorded(self.query),
                Op::Run(c) if &*c.program == APT_CACHE => recorded(self.policy),
                _ => recorded(self.simulated),
            }
        }

        fn observe(&self, want: &Want, facts: &HostFacts) -> (Result<State, String>, Outputs) {
            let mut outputs = Outputs::default();
            let mut ops = Apt.probe(want, facts);
            for _ in 0..4 {
                for op in ops.drain(..) {
                    let output = self.answer(&op);
                    outputs.push(op, Arc::new(output));
                }
                match Apt.interpret(want, &outputs, facts) {
                    Interpreted::Known(state) => return (Ok(state), outputs),
                    Interpreted::Unknown(why) => return (Err(why), outputs),
                    Interpreted::Ask(more) => ops = more,
                }
            }
            panic!("more than three rounds of questions");
        }

        fn plan(&self, want: &Want, facts: &HostFacts) -> Vec<String> {
            let state = self.observe(want, facts).0.unwrap();
            let c = Package::compare(want, &state, Phase::Before);
            if let Some(problem) = c.failure {
                return alloc::vec![problem.message];
            }
            Apt.lower(want, &state, &c.actions, facts).unwrap().iter().map(ToString::to_string).collect()
        }
    }

    const INSTALL: &str = "/usr/bin/apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
        -o DPkg::Lock::Timeout=120 -o APT::Cmd::Pattern-Only=true";

    #[test]
    fn wants_become_calls() {
        let facts = HostFacts::default();
        let image = HostFacts { image: Some(AbsPath::known("/img")), ..HostFacts::default() };
        let version = |v: &str| Want { version: Some(Version::new(v)), ..want(&["food"], Ensure::Present) };
        let call = |rest: &str| alloc::vec![format!("{INSTALL} {rest}")];
        let cases = [
            ("there", want(&["food"], Ensure::Present), &facts, Vec::new()),
            ("provided", want(&["eatable"], Ensure::Present), &facts, Vec::new()),
            ("several, one call", want(&["a", "food", "g++"], Ensure::Present), &facts, call("install -- a g++")),
            ("configuration left", want(&["gone"], Ensure::Present), &facts, call("install -- gone")),
            ("not there", want(&["gone"], Ensure::Absent), &facts, Vec::new()),
            ("removed", want(&["food"], Ensure::Absent), &facts, call("remove -- food")),
            (
                "purged",
                Want { purge: true, ..want(&["food", "gone"], Ensure::Absent) },
                &facts,
                call("purge -- food gone"),
            ),
            ("latest", want(&["food"], Ensure::Latest), &facts, call("install -- food")),
            ("version", version("1.0"), &facts, Vec::new()),
            ("newer version", version("1.1"), &facts, call("install -- food=1.1")),
            ("newer by prefix", version("1.1*"), &facts, call("install -- 'food=1.1*'")),
            (
                "older version",
                version("0.9"),
                &facts,
                alloc::vec!["expected `food` 0.9, found 1.0, which is newer".to_string()],
            ),
            (
                "older version, allowed",
                Want { allow_downgrade: true, ..version("0.9") },
                &facts,
                call("--allow-downgrades install -- food=0.9"),
            ),
            (
                "held",
                Want { hold: Hold::Held, flags: alloc::vec!["-t".into(), "x".into()], ..version("1.1") },
                &facts,
                alloc::vec![
                    format!("{INSTALL} -t x install -- food=1.1"),
                    "/usr/bin/apt-mark hold -- food".to_string(),
                ],
            ),
            (
                "everything",
                Want { everything: true, ..want(&[], Ensure::Latest) },
                &facts,
                call("--with-new-pkgs upgrade"),
            ),
            (
                "image",
                want(&["a"], Ensure::Present),
                &image,
                alloc::vec![format!("chroot /img {INSTALL} install -- a")],
            ),
            (
                "never fetched",
                Want { refresh_after: Some(Duration::from_secs(60)), ..want(&["a"], Ensure::Present) },
                &facts,
                alloc::vec![
                    "/usr/bin/apt-get -q -o 'APT::Update::Post-Invoke-Success::=touch \
                     /var/lib/apt/periodic/update-success-stamp' update"
                        .to_string(),
                    format!("{INSTALL} install -- a"),
                ],
            ),
        ];
        for (name, want, facts, expected) in cases {
            assert_eq!(machine().plan(&want, facts), expected, "{name}");
        }
    }

    #[test]
    fn installing_asks_nobody_anything() {
        let want = want(&["a"], Ensure::Present);
        let facts = HostFacts::default();
        let (state, _) = machine().observe(&want, &facts);
        let ops = Apt.lower(&want, &state.unwrap(), &[Action::Install(want.names.clone())], &facts).unwrap();
        let [Op::Run(command)] = &*ops else { panic!("{ops:?}") };
        assert!(command.env.iter().any(|(k, v)| &**k == "DEBIAN_FRONTEND" && v.as_str() == "noninteractive"));
        assert_eq!(command.timeout, Duration::from_secs(600));
    }

    #[test]
    fn the_index_has_the_age_of_its_newest_list_or_of_the_last_refresh() {
        let now = HostFacts { now: Timestamp::from_epoch_secs(10_000), ..HostFacts::default() };
        let want = Want { refresh_after: Some(Duration::from_secs(60)), ..want(&["a"], Ensure::Present) };
        let age = |secs| Index::Age(Duration::from_secs(secs));
        type Lists = &'static [(&'static str, i64)];
        let cases: [(&str, Lists, Option<i64>, Index); 5] = [
            ("never", &[("lock", 9_999_000), ("partial", 9_999_000)], None, Index::Never),
            ("lists", &[("x_InRelease", 9_000_000), ("y_Packages.lz4", 8_000_000)], None, age(1000)),
            ("stamp", &[("x_InRelease", 0)], Some(9_990_000), age(10)),
            ("stamp without lists", &[("lock", 0)], Some(9_990_000), Index::Never),
            ("in this run", &[("x_InRelease", 10_000_500)], None, age(0)),
        ];
        for (name, lists, stamp, expected) in cases {
            let (state, _) = Machine { lists, stamp, ..machine() }.observe(&want, &now);
            assert_eq!(state.unwrap().index, expected, "{name}");
        }
    }

    #[test]
    fn an_open_journal_is_read_by_dpkg_itself() {
        let held = include_str!("../../tests/fixtures/apt/2.6.1/query-held.txt");
        let open = Machine { journal: &["0001", "tmp.i"], query: held, ..machine() };
        let (state, _) = open.observe(&want(&["food"], Ensure::Present), &HostFacts::default());
        let food = &state.unwrap().packages[0];
        assert!(food.held && food.installed.as_deref() == Some("1.0"), "a held package is installed: {food:?}");
        let missing = include_str!("../../tests/fixtures/apt/2.6.1/query-missing.txt");
        let (state, _) =
            Machine { query: missing, ..open }.observe(&want(&["food"], Ensure::Present), &HostFacts::default());
        assert!(state.unwrap_err().starts_with("`dpkg-query` ended with exit 1"));
    }

    #[test]
    fn what_dpkg_query_printed_is_understood() {
        let cases = [
            (include_str!("../../tests/fixtures/apt/2.6.1/query-installed.txt"), Some(Status::Installed)),
            (include_str!("../../tests/fixtures/apt/2.6.1/query-installed-and-missing.txt"), Some(Status::Installed)),
            (include_str!("../../tests/fixtures/apt/2.6.1/query-held.txt"), Some(Status::Installed)),
            (include_str!("../../tests/fixtures/apt/2.6.1/query-config-files.txt"), Some(Status::ConfigFiles)),
            (include_str!("../../tests/fixtures/apt/2.6.1/query-missing.txt"), None),
            (include_str!("../../tests/fixtures/apt/2.6.1/query-purged.txt"), None),
        ];
        for (text, expected) in cases {
            let ran = Ran::from_recording(text).unwrap().1;
            let seen = Database::Query(&ran.stdout).find("food").map(|e| e.state);
            assert_eq!(seen, expected, "{text}");
        }
        let ran = Ran::from_recording(include_str!("../../tests/fixtures/apt/2.6.1/query-installed.txt")).unwrap().1;
        assert_eq!(Database::Query(&ran.stdout).provider("eatable"), Some("food"));
        let ran = Ran::from_recording(include_str!("../../tests/fixtures/apt/2.6.1/query-provided.txt")).unwrap().1;
        assert_eq!(Database::Query(&ran.stdout).find("eatable").map(|e| e.state), Some(Status::NotInstalled));
    }

    #[test]
    fn a_database_that_cannot_be_read_is_unknown() {
        let missing = Machine { status: OpOutput::Missing, ..machine() };
        let (state, _) = missing.observe(&want(&["food"], Ensure::Present), &HostFacts::default());
        assert_eq!(state.unwrap_err(), "`/var/lib/dpkg/status` does not exist: this is no Debian system");
    }

    #[test]
    fn a_plan_knows_what_comes_along() {
        let planning = HostFacts { planning: true, ..HostFacts::default() };
        let food = want(&["nginx"], Ensure::Present);
        let machine = Machine {
            simulated: "$ apt-get\nO| Inst nginx-common (1.2 Debian:12 [all])\nO| Inst nginx (1.2 Debian:12 [amd64])\n\
                O| Conf nginx (1.2 Debian:12 [amd64])\n[exit 0]\n",
            ..machine()
        };
        let (state, outputs) = machine.observe(&food, &planning);
        let state = state.unwrap();
        let c = Package::compare(&food, &state, Phase::Before);
        assert_eq!(c.notes, ["brings nginx-common"]);
        assert!(!c.doubtful);
        let shadow = Apt.shadow(&food, &state, &c.actions, &outputs);
        let [Op::ReplaceFile(Replace { content: Content::Bytes(after), .. })] = &*shadow else { panic!("{shadow:?}") };
        let later = Machine { status: OpOutput::File { meta: meta(0), content: after.clone() }, ..machine };
        for name in ["nginx", "nginx-common", "food"] {
            let want = want(&[name], Ensure::Present);
            assert_eq!(later.plan(&want, &planning), Vec::<String>::new(), "{name} is there in the plan");
        }
        let refused =
            Machine { simulated: include_str!("../../tests/fixtures/apt/2.6.1/install-missing.txt"), ..later };
        assert_eq!(refused.plan(&want(&["nosuch"], Ensure::Present), &planning), ["Unable to locate package nosuch"]);
    }

    #[test]
    fn a_batch_asks_once_for_all() {
        let old = Some(Duration::from_secs(60));
        let wants = [
            want(&["a", "b"], Ensure::Latest),
            want(&["b", "c"], Ensure::Latest),
            Want { refresh_after: old, ..want(&["d"], Ensure::Present) },
        ];
        let ops = Apt.probe_all(&wants.iter().collect::<Vec<_>>(), &HostFacts::default());
        let shown: Vec<String> = ops.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "read /var/lib/dpkg/status",
                "list /var/lib/dpkg/updates",
                "list /var/lib/apt/lists",
                "stat /var/lib/apt/periodic/update-success-stamp",
                "/usr/bin/apt-cache policy -- a b c",
            ]
        );
    }

    #[test]
    fn names_that_apt_would_take_for_something_else_are_refused() {
        for name in ["foo-", "Foo", "-x", "a b", "task^", "+x", "a/b"] {
            assert!(Apt.check(&want(&[name], Ensure::Present), &HostFacts::default()).is_err(), "{name}");
        }
        for name in ["g++", "libc6:i386", "python3.11", "0ad"] {
            assert_eq!(Apt.check(&want(&[name], Ensure::Present), &HostFacts::default()), Ok(()), "{name}");
        }
    }

    #[test]
    fn signals_and_codes_of_a_failed_query_are_shown() {
        let ran = Ran { exit: Exit::Signal(9), stdout: Vec::new(), stderr: Vec::new(), truncated: false };
        let mut outputs = Outputs::default();
        outputs.push(ask_query(&HostFacts::default()), Arc::new(OpOutput::Ran(ran)));
        assert_eq!(database(&outputs).unwrap_err(), "`dpkg-query` ended with signal 9: ");
    }
}
