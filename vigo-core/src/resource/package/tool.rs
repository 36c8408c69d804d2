//! What most managers have in common: one question for what is installed, one for what is newer.

use super::{Action, Ensure, Found, Hold, Index, Package, State, Step, Target, Upgrade, Version, Want};
use crate::action::{AbsPath, Command, Content, Expect, Op, OpOutput, Outputs, Owner, Ran, Replace};
use crate::host::{Adapter, Family, HostFacts, Interpreted, Problem, ProblemKind};
use crate::time::{Duration, Timestamp};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A manager, in what it does its own way.
pub trait Tool: Sync + 'static {
    /// Its name, as in `manager`.
    const NAME: &'static str;

    /// Whose age is that of the index: touched after each refresh. The managers' own files carry the time of the server, or
    /// stay as they are when nothing is new. Empty where there is no index: each call asks anew.
    const STAMP: &'static str;

    /// Returns the attributes that it has no way to do, of those that are written.
    fn lacks(&self, want: &Want) -> Option<&'static str>;

    /// Returns the question for what is installed; about `names` only, where the manager is quicker that way.
    fn query(&self, names: &[Arc<str>], facts: &HostFacts) -> Command;

    /// Reads its answer.
    ///
    /// # Errors
    /// A fragment, when it does not say.
    fn installed(&self, ran: &Ran, name: &Arc<str>) -> Result<Found, String>;

    /// Returns the question for what could be upgraded.
    fn newer(&self, facts: &HostFacts) -> Command;

    /// Reads its answer.
    ///
    /// # Errors
    /// A fragment, when it does not say.
    fn upgrades(&self, ran: &Ran) -> Result<Vec<Upgrade>, String>;

    /// Returns whether an upgrade is of what the policy calls `name`.
    fn is_of(&self, upgrade: &Upgrade, name: &str) -> bool {
        *upgrade.name == *name
    }

    /// Returns the question for the versions on offer, where a beginning of a version needs one.
    fn offer(&self, _name: &str, _facts: &HostFacts) -> Option<Command> {
        None
    }

    /// Reads its answer: versions in any order.
    fn offered(&self, _ran: &Ran, _name: &str) -> Vec<String> {
        Vec::new()
    }

    /// Compares two versions.
    fn compare(&self, a: &str, b: &str) -> Ordering;

    /// Returns the question for what is held.
    fn holds(&self, _facts: &HostFacts) -> Option<Command> {
        None
    }

    /// Reads its answer.
    ///
    /// # Errors
    /// A fragment, when it does not say.
    fn is_held(&self, _ran: &Ran, _name: &str) -> Result<bool, String> {
        Ok(false)
    }

    /// Returns the call that performs an action.
    fn call(&self, want: &Want, state: &State, action: &Action, facts: &HostFacts) -> Command;

    /// Says what a failed call means.
    fn classify(&self, ran: &Ran) -> Option<Problem>;

    /// Says what is wrong with a call that exited as it should, where its output tells.
    fn objection(&self, _command: &Command, _ran: &Ran) -> Option<Problem> {
        None
    }
}

/// A [`Tool`] as an adapter.
pub struct By<T>(pub T);

impl<T: Tool> Adapter<Package> for By<T> {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if let Some(attribute) = self.0.lacks(want) {
            let message = format!("attribute `{attribute}` of type `package` is not supported by {}", T::NAME);
            let problem = Problem::unsupported(message).on(facts);
            return Err(Problem { attribute: Some(attribute.into()), ..problem });
        }
        Ok(())
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        self.probe_all(&[want], facts)
    }

    fn probe_all(&self, wants: &[&Want], facts: &HostFacts) -> Vec<Op> {
        let names: BTreeSet<&Arc<str>> = wants.iter().flat_map(|w| &w.names).collect();
        let names: Vec<Arc<str>> = names.into_iter().cloned().collect();
        let mut ops = Vec::new();
        if !names.is_empty() {
            ops.extend(names.chunks(1000).map(|names| Op::Run(self.0.query(names, facts))));
        }
        ops.dedup();
        if wants.iter().any(|w| w.ensure == Ensure::Latest) {
            ops.push(Op::Run(self.0.newer(facts)));
        }
        if wants.iter().any(|w| w.hold != Hold::AsIs) {
            ops.extend(self.0.holds(facts).map(Op::Run));
        }
        if !T::STAMP.is_empty() && wants.iter().any(|w| w.refresh_after.is_some()) {
            ops.push(Op::stat(&AbsPath::known(T::STAMP)));
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        let mut state = State { index: index_age(want, outputs, facts, T::STAMP), ..State::default() };
        let upgrades = match want.ensure {
            Ensure::Latest => match self.newer_of(outputs, facts) {
                Ok(upgrades) => upgrades,
                Err(why) => return Interpreted::Unknown(why),
            },
            _ => Vec::new(),
        };
        for name in &want.names {
            match self.found(want, name, &upgrades, outputs, facts) {
                Ok(found) => state.packages.push(found),
                Err(other) => return other,
            }
        }
        if want.everything {
            state.upgrades = upgrades;
        }
        Interpreted::Known(state)
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        for action in actions {
            let call = self.0.call(want, state, action, facts).timeout(Package::TIMEOUT);
            match action {
                Action::CleanUp => ops.push(Op::Run(call.accept(&(0..=255).collect::<Vec<_>>()))),
                _ => ops.push(Op::Run(call)),
            }
            if *action == Action::RefreshIndex && !T::STAMP.is_empty() {
                ops.push(touch(&AbsPath::known(T::STAMP)));
            }
        }
        Ok(ops)
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        self.0.classify(ran)
    }

    fn objection(&self, _: &Want, op: &Op, ran: &Ran) -> Option<Problem> {
        match op {
            Op::Run(command) => self.0.objection(command, ran),
            _ => None,
        }
    }
}

impl<T: Tool> By<T> {
    fn newer_of(&self, outputs: &Outputs, facts: &HostFacts) -> Result<Vec<Upgrade>, String> {
        self.0.upgrades(answer(outputs, &Op::Run(self.0.newer(facts)))?)
    }

    fn found(
        &self,
        want: &Want,
        name: &Arc<str>,
        upgrades: &[Upgrade],
        outputs: &Outputs,
        facts: &HostFacts,
    ) -> Result<Found, Interpreted<State>> {
        let unknown = Interpreted::Unknown;
        let mut found = self.0.installed(self.asked(outputs, name, facts).map_err(unknown)?, name).map_err(unknown)?;
        let is_right = |v: &Version| found.installed.iter().chain(&found.spellings).any(|seen| v.accepts(seen));
        let goes = want.ensure == Ensure::Absent || want.version.as_ref().is_some_and(|v| !is_right(v));
        // Where nothing is to be asked, the list of packages tells it.
        if let Some(holds) = self.0.holds(facts)
            && (want.hold != Hold::AsIs || (goes && found.installed.is_some()))
        {
            found.held = self.held(want, name, &Op::Run(holds), outputs)?;
        }
        match &want.version {
            None => {
                let newer = upgrades.iter().find(|u| self.0.is_of(u, name));
                if let Some(installed) = found.installed.clone().filter(|_| want.ensure == Ensure::Latest) {
                    let version = newer.map_or(installed, |u| u.to.clone());
                    let step = if newer.is_some() { Step::Up } else { Step::Same };
                    found.target = Target::Version { version, step };
                }
            }
            Some(version) => {
                let all = found.installed.iter().chain(&found.spellings);
                if all.clone().any(|v| version.accepts(v)) {
                    return Ok(found);
                }
                let wanted = match version.prefix {
                    true => self.newest(want, name, outputs, facts)?,
                    false => Some(version.text.clone()),
                };
                if let Some(wanted) = wanted {
                    let step = match found.installed.as_deref().map(|installed| self.0.compare(&wanted, installed)) {
                        None | Some(Ordering::Greater) => Step::Up,
                        Some(Ordering::Equal) => Step::Same,
                        Some(Ordering::Less) => Step::Down,
                    };
                    found.target = Target::Version { version: wanted, step };
                }
            }
        }
        Ok(found)
    }

    /// Returns whether a package is held. Of one that is to go, or to change, that is asked only when it is there: what
    /// holds it would refuse that.
    fn held(&self, want: &Want, name: &Arc<str>, holds: &Op, outputs: &Outputs) -> Result<bool, Interpreted<State>> {
        if outputs.get(holds).is_none() {
            return Err(Interpreted::Ask(alloc::vec![holds.clone()]));
        }
        match answer(outputs, holds).and_then(|ran| self.0.is_held(ran, name)) {
            // The manager itself refuses what a hold forbids that could not be read.
            Err(_) if want.hold == Hold::AsIs => Ok(false),
            held => held.map_err(Interpreted::Unknown),
        }
    }

    /// Returns the newest version on offer that the want accepts, where the manager tells.
    fn newest(
        &self,
        want: &Want,
        name: &str,
        outputs: &Outputs,
        facts: &HostFacts,
    ) -> Result<Option<Arc<str>>, Interpreted<State>> {
        let (Some(offer), Some(version)) = (self.0.offer(name, facts), &want.version) else { return Ok(None) };
        let op = Op::Run(offer);
        let versions = match outputs.get(&op) {
            None => return Err(Interpreted::Ask(alloc::vec![op])),
            Some(OpOutput::Ran(ran)) => self.0.offered(ran, name),
            Some(_) => Vec::new(),
        };
        let right = versions.into_iter().filter(|v| version.accepts(v));
        Ok(right.max_by(|a, b| self.0.compare(a, b)).map(Arc::from))
    }

    /// Returns the answer to the question for what is installed that was asked about `name`, alone or among others.
    fn asked<'a>(&self, outputs: &'a Outputs, name: &Arc<str>, facts: &HostFacts) -> Result<&'a Ran, String> {
        let whole = self.0.query(&[], facts);
        let about = self.0.query(core::slice::from_ref(name), facts);
        let named = about.args.len() > whole.args.len();
        let is = |op: &Op| match op {
            Op::Run(c) => {
                c.program == whole.program
                    && c.args.starts_with(&whole.args)
                    && c.args.get(whole.args.len()..).is_some_and(|names| {
                        if named { names.iter().any(|n| n.as_str() == &**name) } else { names.is_empty() }
                    })
            }
            _ => false,
        };
        match outputs.iter().rev().find(|(op, _)| is(op)) {
            Some((_, output)) => ran_of(output, &whole),
            None => Err(format!("`{}` was not asked for `{name}`", whole.program)),
        }
    }
}

fn answer<'a>(outputs: &'a Outputs, op: &Op) -> Result<&'a Ran, String> {
    match (outputs.get(op), op) {
        (Some(output), Op::Run(command)) => ran_of(output, command),
        _ => Err(format!("`{op}` was not asked")),
    }
}

fn ran_of<'a>(output: &'a OpOutput, command: &Command) -> Result<&'a Ran, String> {
    match output {
        OpOutput::Ran(ran) if ran.truncated => Err(format!("`{}` printed more than was expected", command.program)),
        OpOutput::Ran(ran) => Ok(ran),
        OpOutput::Failed(failure) => Err(failure.message.clone()),
        other => Err(format!("expected the output of `{}`, found {other:?}", command.program)),
    }
}

/// Returns how old the index is by the time of a file that is touched after each refresh, where the want asks.
pub fn index_age(want: &Want, outputs: &Outputs, facts: &HostFacts, stamp: &'static str) -> Index {
    if stamp.is_empty() {
        return Index::Age(Duration::default());
    }
    match outputs.path(&AbsPath::known(stamp)) {
        Some(OpOutput::Stat(meta)) if want.refresh_after.is_some() => {
            let fetched = Timestamp::from_epoch_ms(meta.mtime_ms);
            Index::Age(if fetched >= facts.now { Duration::default() } else { facts.now.since(fetched) })
        }
        _ => Index::Unknown,
    }
}

/// Makes a file anew, so that its time is now.
pub fn touch(path: &AbsPath) -> Op {
    Op::ReplaceFile(Replace {
        path: path.clone(),
        content: Content::Bytes(Arc::from(&b""[..])),
        mode: Some(0o644),
        owner: Owner::default(),
        context: None,
        expect: Expect::Anything,
        validate: None,
        backup: None,
        follow: false,
        parents: true,
    })
}

/// Returns the names as the manager wants them: with the version after `sign`, where one is wanted.
pub fn versioned(want: &Want, names: &[Arc<str>], sign: &str) -> Vec<Arc<str>> {
    let one = |name: &Arc<str>| match &want.version {
        Some(version) => format!("{name}{sign}{version}").into(),
        None => name.clone(),
    };
    names.iter().map(one).collect()
}

/// What to do about another's lock.
pub const LOCKED_HELP: &str = "let the other package manager finish";

/// Returns the first line of the errors that holds one of `texts`, as *blocked*; those with [`LOCKED_HELP`] as a lock.
pub fn blocked(ran: &Ran, texts: &[(&str, &str)]) -> Option<Problem> {
    let (err, out) = (ran.err(), ran.out());
    texts.iter().find_map(|(text, help)| {
        let line = err.lines().chain(out.lines()).find(|l| l.contains(text))?;
        let kind = if *help == LOCKED_HELP { ProblemKind::Locked } else { ProblemKind::Blocked };
        Some(Problem::new(kind, line.trim()).help(*help))
    })
}
