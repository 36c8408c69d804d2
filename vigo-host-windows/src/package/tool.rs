//! What the managers have in common: one list of what is installed, one of what is newer.

use super::version;
use crate::program::ran;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use vigo_core::action::{Command, Op, Outputs, Ran};
use vigo_core::host::{Adapter, Family, HostFacts, Interpreted, Problem};
use vigo_core::resource::package::{Action, Ensure, Found, Hold, Package, State, Step, Target, Upgrade, Want};

/// Exit codes of installers that have done it: 1641 and 3010 want the machine to start again (msiexec).
pub(super) const DONE: &[i32] = &[0, 1641, 3010];

/// A manager, in what it does its own way.
pub(super) trait Tool: Sync + 'static {
    /// Its name, as in `manager`.
    const NAME: &'static str;

    /// Exit codes of its own for a thing that was done.
    const DONE: &'static [i32] = &[];

    /// Whether it can hold a package.
    const HOLDS: bool = false;

    /// Returns the question for what is installed, about `name` or about everything. `Err` is what must be known first.
    ///
    /// # Errors
    /// What is to be read first; or what is wrong with the answer.
    fn installed(&self, name: &str, outputs: &Outputs) -> Result<Command, Ask>;

    /// Returns the installed version of `name`.
    ///
    /// # Errors
    /// A fragment, when the answer tells nothing.
    fn version(&self, ran: &Ran, name: &str) -> Result<Option<Arc<str>>, String>;

    /// Returns the question for what is newer than what is installed.
    fn newer(&self) -> Command;

    /// Returns what is newer.
    ///
    /// # Errors
    /// A fragment, when the answer tells nothing.
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String>;

    /// Returns the question for what is held, where there is such a thing.
    fn held(&self) -> Option<Command> {
        None
    }

    /// Returns whether the package is held.
    ///
    /// # Errors
    /// A fragment, when the answer tells nothing.
    fn is_held(&self, _ran: &Ran, _name: &str) -> Result<bool, String> {
        Ok(false)
    }

    /// Returns the calls of an action.
    fn calls(&self, want: &Want, action: &Action) -> Vec<Command>;

    /// Says what a failed call means.
    fn classify(&self, _ran: &Ran) -> Option<Problem> {
        None
    }
}

/// Why there is no question yet.
pub(super) enum Ask {
    /// This is to be read first.
    First(Box<Op>),
    /// It cannot be asked.
    Never(String),
}

/// The adapter of a manager.
pub(super) struct By<T>(pub(super) T);

impl<T: Tool> Adapter<Package> for By<T> {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if facts.image.is_some() {
            return Err(Problem::unsupported("packages of an image cannot be managed on windows"));
        }
        let attribute = match want {
            w if w.purge => "purge",
            w if w.allow_downgrade => "allow_downgrade",
            w if w.cleanup => "post_cleanup",
            w if w.refresh_after.is_some() => "update_cache",
            w if w.version.as_ref().is_some_and(|v| v.prefix) => "version",
            w if w.hold != Hold::AsIs && !T::HOLDS => "lock_version",
            _ => return Ok(()),
        };
        let what = if attribute == "version" { " with `*`" } else { "" };
        let message =
            format!("attribute `{attribute}`{what} of type `package` is not supported on windows with {}", T::NAME);
        Err(Problem::unsupported(message))
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = Vec::new();
        for name in &want.names {
            match self.0.installed(name, &Outputs::default()) {
                Ok(command) => ops.push(Op::Run(command)),
                Err(Ask::First(op)) => ops.push(*op),
                Err(Ask::Never(_)) => {}
            }
        }
        if want.ensure == Ensure::Latest {
            ops.push(Op::Run(self.0.newer()));
        }
        if let Some(held) = self.0.held().filter(|_| want.hold != Hold::AsIs) {
            ops.push(Op::Run(held));
        }
        ops.dedup();
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match self.observed(want, outputs) {
            Ok(seen) => seen,
            Err(why) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let accept: Vec<i32> = DONE.iter().chain(T::DONE).copied().collect();
        let calls = actions.iter().flat_map(|action| self.0.calls(want, action));
        Ok(calls.map(|call| Op::Run(call.accept(&accept).timeout(Package::TIMEOUT))).collect())
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        self.0.classify(ran)
    }

    fn remark(&self, op: &Op, ran: &Ran) -> Option<String> {
        let wants_restart =
            ran.code().is_some_and(|code| DONE.iter().chain(T::DONE).any(|done| *done == code && code != 0));
        wants_restart.then(|| format!("`{op}` is done when the machine has been started again"))
    }
}

impl<T: Tool> By<T> {
    fn observed(&self, want: &Want, outputs: &Outputs) -> Result<Interpreted<State>, String> {
        let mut state = State::default();
        let mut asks: Vec<Op> = Vec::new();
        let upgrades = match want.ensure {
            Ensure::Latest => self.0.upgrades(answer(outputs, &Op::Run(self.0.newer()))?)?,
            _ => Vec::new(),
        };
        for name in &want.names {
            let op = match self.0.installed(name, outputs) {
                Ok(command) => Op::Run(command),
                Err(Ask::First(op)) => *op,
                Err(Ask::Never(why)) => return Err(why),
            };
            let Some(seen) = ran(outputs, &op).transpose()? else {
                if !asks.contains(&op) {
                    asks.push(op);
                }
                continue;
            };
            let mut found = Found { name: name.clone(), installed: self.0.version(seen, name)?, ..Found::default() };
            if let Some(held) = self.0.held().filter(|_| want.hold != Hold::AsIs) {
                found.held = self.0.is_held(answer(outputs, &Op::Run(held))?, name)?;
            }
            found.target = target(want, &found, &upgrades);
            if let (Some(installed), Some(version)) = (&found.installed, &want.version)
                && version::compare(installed, &version.text) == Ordering::Equal
            {
                // `1.2` and `1.2.0` are one version.
                found.spellings.push(version.text.clone());
            }
            state.packages.push(found);
        }
        if want.everything {
            state.upgrades = upgrades;
        }
        Ok(if asks.is_empty() { Interpreted::Known(state) } else { Interpreted::Ask(asks) })
    }
}

fn answer<'a>(outputs: &'a Outputs, op: &Op) -> Result<&'a Ran, String> {
    ran(outputs, op).unwrap_or_else(|| Err(format!("`{op}` was not run")))
}

fn target(want: &Want, found: &Found, upgrades: &[Upgrade]) -> Target {
    let (wanted, step) = match (&want.version, &found.installed) {
        (Some(version), Some(installed)) => match version::compare(&version.text, installed) {
            Ordering::Less => (version.text.clone(), Step::Down),
            Ordering::Equal => (version.text.clone(), Step::Same),
            Ordering::Greater => (version.text.clone(), Step::Up),
        },
        (Some(version), None) => (version.text.clone(), Step::Up),
        (None, Some(installed)) if want.ensure == Ensure::Latest => {
            match upgrades.iter().find(|u| u.name.eq_ignore_ascii_case(&found.name)) {
                Some(newer) => (newer.to.clone(), Step::Up),
                None => (installed.clone(), Step::Same),
            }
        }
        _ => return Target::Unasked,
    };
    Target::Version { version: wanted, step }
}

/// Returns whether text looks like a version.
pub(crate) fn is_version(text: &str) -> bool {
    text.len() <= 128 && text.trim_start_matches(['v', 'V']).starts_with(|c: char| c.is_ascii_digit())
}

/// Returns what a program said last.
pub(super) fn said(ran: &Ran) -> String {
    let (out, err) = (ran.out(), ran.err());
    let mut lines = out.lines().chain(err.lines()).map(str::trim).filter(|l| !l.is_empty());
    lines.next_back().map_or_else(|| "it said nothing".into(), |line| line.chars().take(200).collect())
}

/// Returns the first line that holds one of the texts, as *blocked*.
pub(super) fn blocked(ran: &Ran, texts: &[(&str, &str)]) -> Option<Problem> {
    let (out, err) = (ran.out(), ran.err());
    texts.iter().find_map(|(text, help)| {
        let line = err.lines().chain(out.lines()).find(|line| line.contains(text))?;
        let line: String = line.trim().chars().take(200).collect();
        Some(Problem::new(vigo_core::host::ProblemKind::Blocked, line).help(*help))
    })
}
