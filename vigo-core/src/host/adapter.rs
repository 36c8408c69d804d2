//! A resource family, and what a host does for it: tables of pure functions, never drivers.

use super::{HostFacts, Problem};
use crate::action::{AbsPath, Op, Outputs, Ran};
use crate::resource::{Change, Diff, Keep};
use crate::time::Duration;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// What is wanted of, and known about, one kind of resource. Pure, and the same on every operating system.
pub trait Family: Sized + Send + Sync + 'static {
    /// The type's name, as in `type:`.
    const TYPE: &'static str;

    /// What the policy asks for, parsed.
    type Want: Clone + fmt::Debug + Send + Sync + 'static;
    /// What an observation found.
    type State: Clone + fmt::Debug + Send + Sync + 'static;
    /// A neutral intent; prints as in reports, `start service nginx`.
    type Action: Clone + fmt::Debug + fmt::Display + Send + Sync + 'static;

    /// Compares; no change means in sync.
    ///
    /// With [`Phase::After`] the actions have been performed: what only an event can satisfy (a restart, a guarded
    /// command) counts as done.
    fn compare(want: &Self::Want, state: &Self::State, phase: Phase) -> Comparison<Self::Action>;

    /// Returns the state after all actions have succeeded, so that a plan knows what later resources will see; `None`
    /// when that cannot be known without doing it.
    fn predict(want: &Self::Want, state: &Self::State) -> Option<Self::State>;

    /// Returns what a trigger does to a resource in its steady state; `None` is nothing.
    fn refresh(_want: &Self::Want, _state: &Self::State) -> Option<Self::Action> {
        None
    }

    /// Returns what puts back what `actions` take away for as long as they last, for the case that they fail half-way: the
    /// hold of a package.
    fn amends(_want: &Self::Want, _actions: &[Self::Action]) -> Vec<Self::Action> {
        Vec::new()
    }

    /// Returns how to keep what is there before it is first changed, so that `revert: true` can bring it back; `None` is
    /// not at all.
    fn keep(_want: &Self::Want, _state: &Self::State) -> Option<Keep> {
        None
    }

    /// Returns all of the state that a comparison depends on, as text: what the machine says and nothing of what is wanted,
    /// and nothing that changes by itself. A digest of it is kept beside what a secret went into. `None` takes the answers
    /// as they came.
    fn evidence(_state: &Self::State) -> Option<String> {
        None
    }

    /// Returns whether the action starts the thing anew from this state, so that an earlier change has been taken in.
    fn starts(_action: &Self::Action, _state: &Self::State) -> bool {
        false
    }

    /// Returns the directory whose content nobody can foretell once the action is done: another file system is seen there.
    fn covers(_want: &Self::Want, _action: &Self::Action) -> Option<AbsPath> {
        None
    }

    /// Whether what the actions do reaches beyond this resource in ways that a plan cannot know (a package's scripts,
    /// a command): what is missing behind it may be there once it has run.
    const UNPREDICTABLE: bool = false;

    /// Whether its observation runs an operator's own commands, whose answer may depend on anything before it: a plan
    /// does not believe them once something before it would change.
    const GUARDS: bool = false;

    /// The types whose resources may have their turns before an operation that [`Adapter::shares`]: those on whom it has
    /// no effect yet. Those that wait for it go on together.
    const TOGETHER: &'static [&'static str] = &[];

    /// How long one attempt's operations may take together for this want, unless `timeout` says otherwise.
    fn timeout(_want: &Self::Want) -> Duration {
        Self::TIMEOUT
    }

    /// The types whose shared observations an action of this one spoils; `*` is all.
    const SPOILS: &'static [&'static str] = &[];

    /// How long one attempt's operations may take together, unless `timeout` says otherwise.
    const TIMEOUT: Duration = Duration::from_secs(60);

    /// How long after the operations the state may take to be reached without anything more being done. A state on its way
    /// (`pending`) is waited for as long.
    const SETTLE: Duration = Duration::ZERO;
}

/// When a comparison is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Before anything was done.
    Before,
    /// After the actions.
    After,
}

/// The outcome of a comparison.
#[derive(Clone, Debug)]
pub struct Comparison<A> {
    /// What differs; empty is in sync.
    pub changes: Vec<Change>,
    /// What to do about it, in order.
    pub actions: Vec<A>,
    /// The text diff of a file-like change.
    pub diff: Option<Diff>,
    /// A state that is on its way (`Starting`): look again before acting or judging.
    pub pending: Option<String>,
    /// What makes the resource fail without any operation.
    pub failure: Option<Problem>,
    /// Remarks for the report.
    pub notes: Vec<String>,
    /// Whether the observation found something missing that an unpredictable resource before this one may bring: a plan
    /// then answers *unknown*. A `failure` is doubted in the same way without this.
    pub doubtful: bool,
}

impl<A> Comparison<A> {
    /// Returns a comparison that found nothing to do.
    pub fn in_sync() -> Self {
        Self {
            changes: Vec::new(),
            actions: Vec::new(),
            diff: None,
            pending: None,
            failure: None,
            notes: Vec::new(),
            doubtful: false,
        }
    }

    /// Returns a comparison that fails.
    pub fn fail(problem: Problem) -> Self {
        Self { failure: Some(problem), ..Self::in_sync() }
    }

    /// Adds a change.
    pub fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Adds an action.
    pub fn act(&mut self, action: A) {
        self.actions.push(action);
    }
}

/// What a host does for one family: a table of pure functions.
pub trait Adapter<F: Family>: Sync {
    /// Says whether this host can do what is wanted; asked when the plan is made.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unsupported` that names attribute and system.
    fn check(&self, _want: &F::Want, _facts: &HostFacts) -> Result<(), Problem> {
        Ok(())
    }

    /// Returns what to read to observe one resource. All of it only reads.
    fn probe(&self, want: &F::Want, facts: &HostFacts) -> Vec<Op>;

    /// Returns what to read to observe all of `wants` at once; empty when there is no such thing. `interpret` gets the
    /// answers of either.
    fn probe_all(&self, _wants: &[&F::Want], _facts: &HostFacts) -> Vec<Op> {
        Vec::new()
    }

    /// Makes the answers into a state. `outputs` holds the answers of all rounds so far; at most 3 rounds of
    /// [`Interpreted::Ask`] follow the first.
    fn interpret(&self, want: &F::Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<F::State>;

    /// Returns the calls that perform `actions`, in order; the executor stops at the first that fails. When the state
    /// is not reached afterwards, `compare` and this are asked again with the new observation, 3 rounds at most.
    ///
    /// # Errors
    /// [`Problem`], when it cannot be done here or from this state.
    fn lower(
        &self,
        want: &F::Want,
        state: &F::State,
        actions: &[F::Action],
        facts: &HostFacts,
    ) -> Result<Vec<Op>, Problem>;

    /// Returns file operations that have the effect that the lowered programs would have on files which other resources
    /// read (a line in `/etc/passwd` for `useradd`): a plan performs these on its overlay. File operations among the
    /// lowered ones are performed there anyway.
    fn shadow(&self, _want: &F::Want, _state: &F::State, _actions: &[F::Action], _outputs: &Outputs) -> Vec<Op> {
        Vec::new()
    }

    /// Says whether a lowered operation does the same for all resources that ask for it, so that performing it once after
    /// the turns of several is enough (`systemctl daemon-reload`).
    fn shares(&self, _op: &Op) -> bool {
        false
    }

    /// Says what the exit of a lowered program means that is none of its accepted ones: a lock held by somebody else is
    /// *blocked*, not *failed*; `None` leaves it at the exit code and the last lines of its output.
    fn classify(&self, _want: &F::Want, _op: &Op, _ran: &Ran) -> Option<Problem> {
        None
    }

    /// Says what is wrong with a lowered program that exited as it should, where its output tells: a script that
    /// reports an error and exits 0.
    fn objection(&self, _want: &F::Want, _op: &Op, _ran: &Ran) -> Option<Problem> {
        None
    }

    /// Returns a remark for the report on a lowered program that exited as it should: an installer that wants the machine
    /// to start again.
    fn remark(&self, _op: &Op, _ran: &Ran) -> Option<String> {
        None
    }

    /// Returns what to read when an operation has failed: its output goes into the report (the last log lines).
    fn diagnose(&self, _want: &F::Want, _facts: &HostFacts) -> Vec<Op> {
        Vec::new()
    }
}

/// What an adapter made of the answers.
#[derive(Clone, Debug)]
pub enum Interpreted<S> {
    /// This is the state.
    Known(S),
    /// It could not be observed; never taken for "absent" or "stopped".
    Unknown(String),
    /// More must be read first.
    Ask(Vec<Op>),
}

/// A program that depends on the machine: where it is, and the account that it must run as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunsAs {
    /// Absolute path.
    pub program: Arc<str>,
    /// Name of the account.
    pub user: Arc<str>,
}
