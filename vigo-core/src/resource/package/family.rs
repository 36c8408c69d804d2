//! What is wanted of packages, what there is, and what follows.

use crate::host::{Comparison, Family, Phase, Problem, RunsAs};
use crate::resource::Change;
use crate::time::Duration;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The family.
pub struct Package;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Want {
    /// The packages, sorted; none when everything is meant.
    pub names: Vec<Arc<str>>,
    /// Whether all that is installed is to be the latest.
    pub everything: bool,
    /// What they are to be.
    pub ensure: Ensure,
    /// The version of the one package.
    pub version: Option<Version>,
    /// Whether a newer installed version may be replaced.
    pub allow_downgrade: bool,
    /// Whether configuration goes with the package.
    pub purge: bool,
    /// The age from which the index is refreshed; `None` is never.
    pub refresh_after: Option<Duration>,
    /// What becomes of a hold.
    pub hold: Hold,
    /// Whether what is no longer needed is removed afterwards.
    pub cleanup: bool,
    /// More arguments for the manager.
    pub flags: Vec<Arc<str>>,
}

/// What a package is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ensure {
    /// Installed.
    Present,
    /// Installed, in the newest version that the index knows.
    Latest,
    /// Not installed.
    Absent,
}

/// What becomes of a hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// It stays as it is.
    AsIs,
    /// The package is held.
    Held,
    /// It is not.
    Free,
}

/// A wanted version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// The version, or its beginning.
    pub text: Arc<str>,
    /// Whether more may follow.
    pub prefix: bool,
}

impl Version {
    /// Reads a version with or without a `*` at its end.
    pub fn new(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(start) => Self { text: start.into(), prefix: true },
            None => Self { text: text.into(), prefix: false },
        }
    }

    /// Returns whether `version` is this one.
    pub fn accepts(&self, version: &str) -> bool {
        if self.prefix { version.starts_with(&*self.text) } else { version == &*self.text }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_str(if self.prefix { "*" } else { "" })
    }
}

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// One for each wanted name, in that order.
    pub packages: Vec<Found>,
    /// What could be upgraded, when everything is wanted.
    pub upgrades: Vec<Upgrade>,
    /// How old the index is, when it matters.
    pub index: Index,
    /// What the manager says it would do, when a plan asked it.
    pub foretold: Foretold,
    /// The manager itself, where its place and account depend on the machine.
    pub by: Option<Arc<RunsAs>>,
}

/// One package.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Its name, as wanted.
    pub name: Arc<str>,
    /// The installed version.
    pub installed: Option<Arc<str>>,
    /// Other spellings of that version that a policy may use.
    pub spellings: Vec<Arc<str>>,
    /// A half-installed state, in the manager's word.
    pub broken: Option<Arc<str>>,
    /// An installed package that provides this name.
    pub provider: Option<Arc<str>>,
    /// Whether configuration was left behind.
    pub leftovers: bool,
    /// Whether it is held.
    pub held: bool,
    /// What the index offers for the want, where that was asked.
    pub target: Target,
    /// Whether any index knows the name, where that was asked.
    pub name_is: NameIs,
}

/// Whether a package's name is known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum NameIs {
    /// It is, or nobody asked.
    #[default]
    Fine,
    /// It is not.
    Unknown {
        /// The known name that is nearest to it.
        nearest: Option<Arc<str>>,
    },
}

/// What the index offers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Target {
    /// Nobody asked, or the manager does not tell.
    #[default]
    Unasked,
    /// Nothing.
    Nothing,
    /// This version.
    Version {
        /// The version that would be installed.
        version: Arc<str>,
        /// How it compares with the installed one.
        step: Step,
    },
}

/// The way from the installed version to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// It is newer, or none is installed.
    Up,
    /// It is the same.
    Same,
    /// It is older.
    Down,
}

/// An upgrade that the manager offers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Upgrade {
    /// The package.
    pub name: Arc<str>,
    /// The installed version; empty for one that comes along.
    pub from: Arc<str>,
    /// The version it would get.
    pub to: Arc<str>,
}

/// The state of the package index.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Index {
    /// It does not matter, or cannot be known.
    #[default]
    Unknown,
    /// It was never fetched.
    Never,
    /// It is this old; 0 when it was fetched in this run.
    Age(Duration),
}

impl Index {
    /// Returns whether it is to be fetched again when it may be this old.
    pub fn older_than(self, age: Duration) -> bool {
        match self {
            Self::Unknown | Self::Never => true,
            Self::Age(seen) => seen > age,
        }
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("of unknown age"),
            Self::Never => f.write_str("never fetched"),
            Self::Age(age) => write!(f, "{age} old"),
        }
    }
}

/// What a manager says it would do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Foretold {
    /// Nobody asked.
    #[default]
    Unasked,
    /// These come, or change their version; those go.
    Steps {
        /// Installed or changed.
        comes: Vec<Upgrade>,
        /// Removed.
        goes: Vec<Arc<str>>,
    },
    /// It would refuse, and says why.
    Refused(Box<Problem>),
}

/// What is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Fetches the index.
    RefreshIndex,
    /// Releases holds.
    Release(Vec<Arc<str>>),
    /// Installs packages that are not there.
    Install(Vec<Arc<str>>),
    /// Brings installed packages to a newer version.
    Upgrade(Vec<Arc<str>>),
    /// Brings installed packages to an older version.
    Downgrade(Vec<Arc<str>>),
    /// Upgrades everything.
    UpgradeAll,
    /// Removes packages.
    Remove(Vec<Arc<str>>),
    /// Holds packages.
    Hold(Vec<Arc<str>>),
    /// Removes what is no longer needed.
    CleanUp,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, names) = match self {
            Self::RefreshIndex => return f.write_str("refresh package index"),
            Self::UpgradeAll => return f.write_str("upgrade all packages"),
            Self::CleanUp => return f.write_str("remove unneeded packages"),
            Self::Release(names) => ("release", names),
            Self::Install(names) => ("install", names),
            Self::Upgrade(names) => ("upgrade", names),
            Self::Downgrade(names) => ("downgrade", names),
            Self::Remove(names) => ("remove", names),
            Self::Hold(names) => ("hold", names),
        };
        write!(f, "{verb} {}", names.join(", "))
    }
}

/// What is to be done with packages, by kind.
#[derive(Default)]
struct Todo {
    release: Vec<Arc<str>>,
    install: Vec<Arc<str>>,
    upgrade: Vec<Arc<str>>,
    downgrade: Vec<Arc<str>>,
    remove: Vec<Arc<str>>,
    hold: Vec<Arc<str>>,
}

impl Family for Package {
    const TYPE: &'static str = "package";
    const UNPREDICTABLE: bool = true;
    const SPOILS: &'static [&'static str] = &["package", "service", "user", "group"];
    const TIMEOUT: Duration = Duration::from_secs(600);
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, phase: Phase) -> Comparison<Action> {
        let mut c = Comparison::in_sync();
        let mut todo = Todo::default();
        for found in &state.packages {
            match want.ensure {
                Ensure::Absent => absent(want, found, &mut c, &mut todo),
                Ensure::Present => present(want, found, &mut c, &mut todo),
                Ensure::Latest => latest(want, found, &mut c, &mut todo),
            }
        }
        for upgrade in &state.upgrades {
            let before = if upgrade.from.is_empty() { "absent" } else { &*upgrade.from };
            c.change(Change::new(upgrade.name.to_string(), before, &*upgrade.to));
        }
        if phase == Phase::After && want.ensure != Ensure::Latest && c.failure.is_none() && !c.changes.is_empty() {
            c.failure = Some(not_reached(&c.changes));
        }
        if c.failure.is_some() {
            c.changes.clear();
            return c;
        }
        let acts = !c.changes.is_empty();
        let refresh = match want.refresh_after {
            Some(age) if phase == Phase::Before && (acts || want.ensure == Ensure::Latest) => {
                state.index.older_than(age)
            }
            _ => false,
        };
        if refresh {
            if !acts {
                c.change(Change::new("index", state.index.to_string(), "fresh"));
            }
            c.act(Action::RefreshIndex);
        }
        match &state.foretold {
            Foretold::Refused(why) if acts && !refresh => return Comparison::fail((**why).clone()),
            Foretold::Steps { comes, goes } => {
                let known = |name: &str| state.packages.iter().any(|p| *p.name == *name);
                let more: Vec<&str> = comes.iter().map(|u| &*u.name).filter(|n| !known(n)).collect();
                if !more.is_empty() && !want.everything {
                    c.notes.push(format!("brings {}", more.join(", ")));
                }
                let less: Vec<&str> = goes.iter().map(|n| &**n).filter(|n| !known(n)).collect();
                if !less.is_empty() {
                    c.notes.push(format!("also removes {}", less.join(", ")));
                }
            }
            // What another package brings along can make this one's work needless.
            _ => c.doubtful = acts && want.ensure != Ensure::Absent,
        }
        let mut act = |names: Vec<Arc<str>>, action: fn(Vec<Arc<str>>) -> Action| {
            if !names.is_empty() {
                c.act(action(names));
            }
        };
        act(todo.release, Action::Release);
        act(todo.remove, Action::Remove);
        act(todo.install, Action::Install);
        act(todo.upgrade, Action::Upgrade);
        act(todo.downgrade, Action::Downgrade);
        act(todo.hold, Action::Hold);
        if want.everything && !state.upgrades.is_empty() {
            c.act(Action::UpgradeAll);
        }
        if want.cleanup && acts {
            c.act(Action::CleanUp);
        }
        c
    }

    fn amends(want: &Want, actions: &[Action]) -> Vec<Action> {
        let held = |action: &Action| match action {
            Action::Release(names) if want.hold != Hold::Free => Some(Action::Hold(names.clone())),
            _ => None,
        };
        actions.iter().filter_map(held).collect()
    }

    fn predict(want: &Want, state: &State) -> Option<State> {
        if want.everything {
            return Some(State { upgrades: Vec::new(), ..state.clone() });
        }
        let mut after = State { foretold: Foretold::Unasked, ..state.clone() };
        for found in &mut after.packages {
            match want.ensure {
                Ensure::Absent => *found = Found { name: found.name.clone(), ..Found::default() },
                Ensure::Present | Ensure::Latest => {
                    let target = match &found.target {
                        Target::Version { version, .. } => Some(version.clone()),
                        _ => want.version.as_ref().map(|v| v.text.clone()),
                    };
                    let right = want.ensure == Ensure::Present && is_right(want, found);
                    if !right {
                        found.installed = Some(target.unwrap_or_else(|| "installed".into()));
                    }
                    found.target = Target::Unasked;
                    found.broken = None;
                }
            }
            match want.hold {
                Hold::AsIs => {}
                Hold::Held => found.held = true,
                Hold::Free => found.held = false,
            }
        }
        Some(after)
    }
}

/// Returns whether what is installed (or provided) is what `present` asks for.
fn is_right(want: &Want, found: &Found) -> bool {
    match (&found.installed, &want.version) {
        (Some(_), None) => true,
        (Some(installed), Some(version)) => {
            version.accepts(installed) || found.spellings.iter().any(|s| version.accepts(s))
        }
        (None, None) => found.provider.is_some(),
        (None, Some(_)) => false,
    }
}

fn shown(found: &Found) -> Cow<'_, str> {
    match (&found.installed, &found.broken) {
        (Some(version), _) => Cow::Borrowed(version),
        (None, Some(word)) => Cow::Borrowed(word),
        (None, None) => Cow::Borrowed("absent"),
    }
}

/// Says that no package has this name, before anything is done about others.
fn unknown_name(found: &Found, c: &mut Comparison<Action>) -> bool {
    let NameIs::Unknown { nearest } = &found.name_is else { return false };
    let problem = Problem::failed(format!("no package is called `{}`", found.name));
    c.failure = Some(match nearest {
        Some(name) => problem.help(format!("did you mean `{name}`?")),
        None => problem.help("check the name, add its repository, or refresh the index by `update_cache: true`"),
    });
    true
}

fn present(want: &Want, found: &Found, c: &mut Comparison<Action>, todo: &mut Todo) {
    if is_right(want, found) {
        return hold(want, found, c, todo);
    }
    if unknown_name(found, c) {
        return;
    }
    let name = found.name.clone();
    let after = match (&want.version, &found.target) {
        (Some(_), Target::Version { version, .. }) => version.to_string(),
        (Some(version), _) => version.to_string(),
        (None, _) => "installed".into(),
    };
    let down = matches!(found.target, Target::Version { step: Step::Down, .. });
    if down && !want.allow_downgrade {
        let message = format!("expected `{name}` {after}, found {}, which is newer", shown(found));
        c.failure = Some(Problem::failed(message).help("write `allow_downgrade: true` to replace it"));
        return;
    }
    c.change(Change::new(name.to_string(), shown(found), after));
    release(found, todo);
    match &found.installed {
        None => todo.install.push(name),
        Some(_) if down => todo.downgrade.push(name),
        Some(_) => todo.upgrade.push(name),
    }
    hold_again(want, found, todo);
}

fn latest(want: &Want, found: &Found, c: &mut Comparison<Action>, todo: &mut Todo) {
    let name = found.name.clone();
    let Some(installed) = &found.installed else {
        if found.broken.is_none() && found.provider.is_some() || unknown_name(found, c) {
            return;
        }
        let after = match &found.target {
            Target::Version { version, .. } => version.to_string(),
            _ => "installed".into(),
        };
        c.change(Change::new(name.to_string(), shown(found), after));
        release(found, todo);
        todo.install.push(name);
        return hold_again(want, found, todo);
    };
    match &found.target {
        Target::Version { version, step } if *step == Step::Up || (*step == Step::Down && want.allow_downgrade) => {
            c.change(Change::new(name.to_string(), &**installed, &**version));
            release(found, todo);
            if *step == Step::Up { &mut todo.upgrade } else { &mut todo.downgrade }.push(name);
            hold_again(want, found, todo);
        }
        target => {
            if *target == Target::Nothing {
                c.notes.push(format!("the index offers no `{name}`"));
            }
            hold(want, found, c, todo);
        }
    }
}

fn absent(want: &Want, found: &Found, c: &mut Comparison<Action>, todo: &mut Todo) {
    let name = found.name.clone();
    if found.installed.is_some() || found.broken.is_some() {
        c.change(Change::new(name.to_string(), shown(found), "absent"));
    } else if want.purge && found.leftovers {
        c.change(Change::new(name.to_string(), "configuration files", "absent"));
    } else {
        return;
    }
    release(found, todo);
    todo.remove.push(name);
}

/// Brings a hold in order where nothing else is to be done.
fn hold(want: &Want, found: &Found, c: &mut Comparison<Action>, todo: &mut Todo) {
    let (before, after, list) = match (want.hold, found.held) {
        (Hold::Held, false) => ("free", "held", &mut todo.hold),
        (Hold::Free, true) => ("held", "free", &mut todo.release),
        _ => return,
    };
    if found.installed.is_some() {
        c.change(Change::new(format!("{} hold", found.name), before, after));
        list.push(found.name.clone());
    }
}

fn release(found: &Found, todo: &mut Todo) {
    if found.held {
        todo.release.push(found.name.clone());
    }
}

/// Holds a package that was changed: when that is wanted, or when it was held before.
fn hold_again(want: &Want, found: &Found, todo: &mut Todo) {
    if want.hold == Hold::Held || (want.hold == Hold::AsIs && found.held) {
        todo.hold.push(found.name.clone());
    }
}

/// Says that the manager reported success and the database says otherwise.
fn not_reached(changes: &[Change]) -> Problem {
    let all: Vec<String> = changes.iter().map(|c| format!("`{}` is {}, not {}", c.field, c.before, c.after)).collect();
    Problem::failed(format!("the package manager reported success, but {}", all.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(ensure: Ensure) -> Want {
        Want {
            names: alloc::vec!["food".into()],
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

    fn found(installed: Option<&str>) -> Found {
        Found { name: "food".into(), installed: installed.map(Arc::from), ..Found::default() }
    }

    fn offers(found: Found, version: &str, step: Step) -> Found {
        Found { target: Target::Version { version: version.into(), step }, ..found }
    }

    fn run(want: &Want, found: Found, index: Index, phase: Phase) -> String {
        let state = State { packages: alloc::vec![found], index, ..State::default() };
        let c = Package::compare(want, &state, phase);
        if let Some(problem) = c.failure {
            return problem.message;
        }
        let changes: Vec<String> =
            c.changes.iter().map(|c| format!("{}: {} → {}", c.field, c.before, c.after)).collect();
        let actions: Vec<String> = c.actions.iter().map(ToString::to_string).collect();
        assert_eq!(changes.is_empty(), actions.is_empty(), "changes and actions go together");
        format!("{} | {}", changes.join(", "), actions.join(", "))
    }

    #[test]
    fn what_is_done_follows_from_what_is_there() {
        let (present, latest, absent) = (want(Ensure::Present), want(Ensure::Latest), want(Ensure::Absent));
        let version = |v: &str| Want { version: Some(Version::new(v)), ..want(Ensure::Present) };
        let held = |f: Found| Found { held: true, ..f };
        let locked = Want { hold: Hold::Held, ..version("1.0") };
        let free = Want { hold: Hold::Free, ..want(Ensure::Present) };
        let purge = Want { purge: true, ..want(Ensure::Absent) };
        let downgrade = Want { allow_downgrade: true, ..version("1.0") };
        let cleanup = Want { cleanup: true, ..want(Ensure::Absent) };
        let cases = [
            ("missing", &present, found(None), "food: absent → installed | install food"),
            ("there", &present, found(Some("1.0")), " | "),
            ("provided", &present, Found { provider: Some("x".into()), ..found(None) }, " | "),
            (
                "half there",
                &present,
                Found { broken: Some("half-configured".into()), ..found(None) },
                "food: half-configured → installed | install food",
            ),
            ("version", &version("1.0"), found(Some("1.0")), " | "),
            ("prefix", &version("1.*"), found(Some("1.0-3")), " | "),
            (
                "other spelling",
                &version("1.0"),
                Found { spellings: alloc::vec!["1.0".into()], ..found(Some("1.0-1")) },
                " | ",
            ),
            ("older", &version("1.1"), offers(found(Some("1.0")), "1.1", Step::Up), "food: 1.0 → 1.1 | upgrade food"),
            (
                "newer",
                &version("1.0"),
                offers(found(Some("1.1")), "1.0", Step::Down),
                "expected `food` 1.0, found 1.1, which is newer",
            ),
            (
                "newer, allowed",
                &downgrade,
                offers(found(Some("1.1")), "1.0", Step::Down),
                "food: 1.1 → 1.0 | downgrade food",
            ),
            ("locked anew", &locked, found(Some("1.0")), "food hold: free → held | hold food"),
            ("locked", &locked, held(found(Some("1.0"))), " | "),
            (
                "locked, other version",
                &locked,
                held(offers(found(Some("0.9")), "1.0", Step::Up)),
                "food: 0.9 → 1.0 | release food, upgrade food, hold food",
            ),
            ("released", &free, held(found(Some("1.0"))), "food hold: held → free | release food"),
            ("hold of others", &present, held(found(Some("1.0"))), " | "),
            ("latest", &latest, offers(found(Some("1.1")), "1.1", Step::Same), " | "),
            ("not latest", &latest, offers(found(Some("1.0")), "1.1", Step::Up), "food: 1.0 → 1.1 | upgrade food"),
            ("latest is older", &latest, offers(found(Some("1.2")), "1.1", Step::Down), " | "),
            (
                "not latest, held",
                &latest,
                held(offers(found(Some("1.0")), "1.1", Step::Up)),
                "food: 1.0 → 1.1 | release food, upgrade food, hold food",
            ),
            ("latest of nothing", &latest, found(None), "food: absent → installed | install food"),
            ("gone", &absent, found(None), " | "),
            ("to go", &absent, found(Some("1.0")), "food: 1.0 → absent | remove food"),
            ("held, to go", &absent, held(found(Some("1.0"))), "food: 1.0 → absent | release food, remove food"),
            ("left over", &absent, Found { leftovers: true, ..found(None) }, " | "),
            (
                "left over, purged",
                &purge,
                Found { leftovers: true, ..found(None) },
                "food: configuration files → absent | remove food",
            ),
            ("cleaned up", &cleanup, found(Some("1.0")), "food: 1.0 → absent | remove food, remove unneeded packages"),
            ("nothing to clean up", &cleanup, found(None), " | "),
        ];
        for (name, want, found, expected) in cases {
            assert_eq!(run(want, found, Index::Unknown, Phase::Before), expected, "{name}");
        }
    }

    #[test]
    fn the_index_is_refreshed_before_acting_and_only_when_it_is_old() {
        let hour = Duration::from_secs(3600);
        let present = Want { refresh_after: Some(hour), ..want(Ensure::Present) };
        let latest = Want { refresh_after: Some(hour), ..want(Ensure::Latest) };
        let old = Index::Age(Duration::from_secs(7200));
        let young = Index::Age(Duration::from_secs(60));
        let same = || offers(found(Some("1.0")), "1.0", Step::Same);
        let cases = [
            ("nothing to do", &present, found(Some("1")), old, Phase::Before, " | "),
            (
                "old",
                &present,
                found(None),
                old,
                Phase::Before,
                "food: absent → installed | refresh package index, install food",
            ),
            ("young", &present, found(None), young, Phase::Before, "food: absent → installed | install food"),
            (
                "latest by an old index",
                &latest,
                same(),
                old,
                Phase::Before,
                "index: 120m old → fresh | refresh package index",
            ),
            ("latest by a young index", &latest, same(), young, Phase::Before, " | "),
            ("latest, refreshed", &latest, same(), Index::Unknown, Phase::After, " | "),
        ];
        for (name, want, found, index, phase, expected) in cases {
            assert_eq!(run(want, found, index, phase), expected, "{name}");
        }
    }

    #[test]
    fn success_is_not_believed() {
        let seen = run(&want(Ensure::Present), found(None), Index::Unknown, Phase::After);
        assert_eq!(seen, "the package manager reported success, but `food` is absent, not installed");
        let version = Want { version: Some(Version::new("1.1")), ..want(Ensure::Present) };
        let seen = run(&version, found(Some("1.0")), Index::Unknown, Phase::After);
        assert_eq!(seen, "the package manager reported success, but `food` is 1.0, not 1.1");
        let newer = offers(found(Some("1.0")), "1.1", Step::Up);
        let seen = run(&want(Ensure::Latest), newer, Index::Unknown, Phase::After);
        assert_eq!(seen, "food: 1.0 → 1.1 | upgrade food", "a refreshed index shows what the old one did not");
    }

    #[test]
    fn predictions_are_in_sync() {
        let wants = [
            want(Ensure::Present),
            want(Ensure::Latest),
            want(Ensure::Absent),
            Want { version: Some(Version::new("1.*")), hold: Hold::Held, ..want(Ensure::Present) },
        ];
        let founds = [
            found(None),
            found(Some("0.9")),
            offers(found(Some("0.9")), "1.1", Step::Up),
            Found { held: true, ..offers(found(Some("1.0")), "1.1", Step::Up) },
        ];
        for want in &wants {
            for found in &founds {
                let state = State { packages: alloc::vec![found.clone()], ..State::default() };
                let after = Package::predict(want, &state).unwrap();
                let c = Package::compare(want, &after, Phase::Before);
                assert!(c.changes.is_empty(), "{want:?} {found:?}: {:?}", c.changes);
            }
        }
    }
}
