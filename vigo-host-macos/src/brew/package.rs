//! Formulae and casks.

use super::cellar::{Keg, Kind, kegs};
use super::place::{brew, classify, find, look, nowhere, ran};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Command, Op, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem, RunsAs};
use vigo_core::resource::package::{
    Action, Ensure, Found, Hold, Package, State, Step, Target, Upgrade, Want, index_age, touch,
};

/// Homebrew, for one of its two kinds of package. *Unverified*: written after its manual and its JSON.
pub(crate) struct Brew(pub(crate) Kind);

impl Brew {
    /// Formulae.
    pub(crate) const FORMULAE: Self = Self(Kind::Formula);
    /// Casks.
    pub(crate) const CASKS: Self = Self(Kind::Cask);

    fn name(&self) -> &'static str {
        match self.0 {
            Kind::Formula => "brew",
            Kind::Cask => "brew_cask",
        }
    }

    fn flag(&self) -> &'static str {
        match self.0 {
            Kind::Formula => "--formula",
            Kind::Cask => "--cask",
        }
    }
}

const STAMP: &str = "/var/db/vigo-brew-refreshed";

impl Adapter<Package> for Brew {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        let attribute = match want {
            w if w.purge => Some("purge"),
            w if w.version.is_some() => Some("version"),
            w if w.allow_downgrade => Some("allow_downgrade"),
            w if w.hold != Hold::AsIs && self.0 == Kind::Cask => Some("lock_version"),
            w if w.cleanup && self.0 == Kind::Cask => Some("post_cleanup"),
            _ => None,
        };
        if let Some(attribute) = attribute {
            let message =
                format!("attribute `{attribute}` of type `package` is not supported by {} on macos", self.name());
            let problem = Problem { attribute: Some(attribute.into()), ..Problem::unsupported(message) };
            return Err(match attribute {
                "version" => problem.help("name the formula of that version, such as `postgresql@16`"),
                _ => problem,
            });
        }
        match facts.image {
            Some(_) => Err(Problem::unsupported("type `package` is not supported on an image of macos")),
            None => Ok(()),
        }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![look()];
        ops.extend(want.refresh_after.map(|_| Op::stat(&AbsPath::known(STAMP))));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        self.observe(want, outputs, facts).unwrap_or_else(Interpreted::Unknown)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let by = state.by.as_deref().ok_or_else(nowhere)?;
        let mut ops = Vec::new();
        for action in actions {
            let call = self.call(want, by, action).timeout(Package::TIMEOUT);
            ops.push(Op::Run(match action {
                Action::CleanUp => call.accept(&(0..=255).collect::<Vec<_>>()),
                _ => call,
            }));
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

impl Brew {
    fn observe(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<Interpreted<State>, String> {
        let by = find(outputs)?;
        let kegs = match by.as_deref().map(installed) {
            None => Vec::new(),
            Some(list) => match outputs.get(&list) {
                None => return Ok(Interpreted::Ask(alloc::vec![list])),
                Some(output) => kegs(ran(output, &list)?, self.0)?,
            },
        };
        let mut state = State { index: index_age(want, outputs, facts, STAMP), by, ..State::default() };
        state.packages = want.names.iter().map(|name| found(name, &kegs, want)).collect();
        if want.everything {
            state.upgrades = kegs.iter().filter(|k| !k.pinned).filter_map(upgrade).collect();
        }
        Ok(Interpreted::Known(state))
    }

    fn call(&self, want: &Want, by: &RunsAs, action: &Action) -> Command {
        let with = |words: &[&str], names: &[Arc<str>]| {
            let mut all: Vec<Arc<str>> = words.iter().map(|w| Arc::from(*w)).collect();
            all.extend(want.flags.iter().cloned());
            all.extend(names.iter().cloned());
            brew(by, Command::change("brew", all))
        };
        let kind = self.flag();
        match action {
            Action::RefreshIndex => brew(by, Command::change("brew", ["update", "--quiet"])),
            Action::Install(names) => with(&["install", kind], names),
            // `check` has refused what a downgrade needs.
            Action::Upgrade(names) | Action::Downgrade(names) => with(&["upgrade", kind], names),
            Action::UpgradeAll => with(&["upgrade", kind], &[]),
            Action::Remove(names) => with(&["uninstall", kind], names),
            Action::Hold(names) => brew(by, Command::change("brew", one("pin", names))),
            Action::Release(names) => brew(by, Command::change("brew", one("unpin", names))),
            Action::CleanUp => brew(by, Command::change("brew", ["autoremove"])),
        }
    }
}

fn one(word: &str, names: &[Arc<str>]) -> Vec<Arc<str>> {
    core::iter::once(Arc::from(word)).chain(names.iter().cloned()).collect()
}

/// All that is installed, of both kinds: one question, whatever is wanted. It says what is newer and what is pinned, too.
fn installed(by: &RunsAs) -> Op {
    Op::Run(brew(by, Command::read("brew", ["info", "--json=v2", "--installed"])).output_bytes_max(32 << 20))
}

/// A package, its version, and the one on offer where that is another.
pub(crate) type Installed = (String, String, Option<String>);

/// Returns all that is installed, or what must be read first.
///
/// # Errors
/// A fragment, when Homebrew does not say.
pub(crate) fn installed_packages(by: &RunsAs, outputs: &Outputs) -> Result<Result<Vec<Installed>, Op>, String> {
    let list = installed(by);
    let Some(output) = outputs.get(&list) else { return Ok(Err(list)) };
    let ran = ran(output, &list)?;
    let all = [kegs(ran, Kind::Formula)?, kegs(ran, Kind::Cask)?].concat();
    Ok(Ok(all.into_iter().filter_map(|keg| Some((keg.names.into_iter().next()?, keg.version, keg.newer))).collect()))
}

fn found(name: &Arc<str>, kegs: &[Keg], want: &Want) -> Found {
    let Some(keg) = kegs.iter().find(|keg| keg.names.iter().any(|n| n == &**name)) else {
        return Found { name: name.clone(), ..Found::default() };
    };
    let target = match (&keg.newer, want.ensure) {
        (Some(version), Ensure::Latest) => Target::Version { version: version.as_str().into(), step: Step::Up },
        (None, Ensure::Latest) => Target::Version { version: keg.version.as_str().into(), step: Step::Same },
        _ => Target::Unasked,
    };
    let installed = Some(Arc::from(keg.version.as_str()));
    Found { name: name.clone(), installed, held: keg.pinned, target, ..Found::default() }
}

fn upgrade(keg: &Keg) -> Option<Upgrade> {
    let name = keg.names.first()?.as_str().into();
    Some(Upgrade { name, from: keg.version.as_str().into(), to: keg.newer.as_deref()?.into() })
}
