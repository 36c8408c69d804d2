//! One resource on its way to its state: the object-safe face of a family, and its one implementation.

use super::{Change, Diff, Keep};
use crate::action::{AbsPath, Op, Outputs, Ran};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem};
use crate::time::Duration;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;

/// What Converge drives, whatever the type. In this order: `probe` (or `probe_batch`), `interpret` until it asks for no
/// more, `compare`, `lower`; after the operations from the start again, with [`Phase::After`].
pub trait Instance: Send + Sync {
    /// Returns the type's name.
    fn type_name(&self) -> &'static str;
    /// Says whether the host can do what is wanted.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unsupported`.
    fn check(&self, facts: &HostFacts) -> Result<(), Problem>;
    /// Returns what to read.
    fn probe(&self, facts: &HostFacts) -> Vec<Op>;
    /// Returns what to read for this instance and `others` of the same family together; empty when there is no such way.
    fn probe_batch(&self, others: &[&dyn Instance], facts: &HostFacts) -> Vec<Op>;
    /// Takes the answers; a known state is kept inside.
    fn interpret(&mut self, outputs: &Outputs, facts: &HostFacts) -> Interpreted<()>;
    /// Takes a state that a plan predicted instead of answers; `false` when it is of another family.
    fn assume(&mut self, state: &Arc<dyn Any + Send + Sync>) -> bool;
    /// Compares what is wanted with the state in hand, and keeps the actions.
    fn compare(&mut self, phase: Phase) -> Verdict;
    /// Replaces the actions in hand by the refresh that a trigger asks for; `false` when there is nothing to do.
    fn refresh(&mut self) -> bool;
    /// Returns the actions in hand, in words.
    fn actions(&self) -> Vec<String>;
    /// Returns the operations that perform the actions in hand.
    ///
    /// # Errors
    /// [`Problem`], when they cannot be done.
    fn lower(&self, facts: &HostFacts) -> Result<Vec<Op>, Problem>;
    /// Returns the operations that put back what the actions in hand took away, as [`Family::amends`].
    fn amend(&self, facts: &HostFacts) -> Vec<Op>;
    /// Returns what will be once the actions in hand have succeeded.
    fn predict(&self, outputs: &Outputs) -> Prediction;
    /// Says whether a lowered operation may be performed once for this and other resources.
    fn shares(&self, op: &Op) -> bool;
    /// The types whose resources may have their turns while this one waits for a shared operation.
    fn together(&self) -> &'static [&'static str];
    /// Says what an unaccepted exit of a lowered program means; `None` leaves it at the exit code.
    fn classify(&self, op: &Op, ran: &Ran) -> Option<Problem>;
    /// Says what is wrong with a lowered program that exited as it should; `None` is nothing.
    fn objection(&self, op: &Op, ran: &Ran) -> Option<Problem>;
    /// Returns a remark on an accepted exit, as [`Adapter::remark`].
    fn remark(&self, op: &Op, ran: &Ran) -> Option<String>;
    /// Returns what to read after an operation failed.
    fn diagnose(&self, facts: &HostFacts) -> Vec<Op>;
    /// Returns how to keep what is there before it is first changed.
    fn keep(&self) -> Option<Keep>;
    /// Returns what the observation found, as [`Family::evidence`].
    fn evidence(&self) -> Option<String>;
    /// Returns whether the actions in hand start the thing anew.
    fn starts(&self) -> bool;
    /// Whether what it does reaches beyond itself in ways a plan cannot know.
    fn unpredictable(&self) -> bool;
    /// Whether observing it runs an operator's own commands.
    fn guards(&self) -> bool;
    /// The types whose shared observations it spoils.
    fn spoils(&self) -> &'static [&'static str];
    /// How long one attempt may take.
    fn timeout(&self) -> Duration;
    /// How long the state may take to be reached.
    fn settle(&self) -> Duration;
    /// The instance itself, for batches.
    fn as_any(&self) -> &dyn Any;
}

/// A [`Comparison`] without its actions.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What differs.
    pub changes: Vec<Change>,
    /// The text diff.
    pub diff: Option<Diff>,
    /// A state on its way.
    pub pending: Option<String>,
    /// What makes the resource fail.
    pub failure: Option<Problem>,
    /// Remarks.
    pub notes: Vec<String>,
    /// See [`Comparison::doubtful`].
    pub doubtful: bool,
}

/// What a plan expects of a resource's actions.
#[derive(Clone)]
pub struct Prediction {
    /// The state that a later observation of the same identity will find; `None` is not known.
    pub state: Option<Arc<dyn Any + Send + Sync>>,
    /// File operations to perform on the overlay in place of programs.
    pub shadow: Vec<Op>,
    /// See [`Family::covers`].
    pub covers: Option<AbsPath>,
}

/// An instance of family `F`.
pub struct Managed<F: Family> {
    want: F::Want,
    adapter: &'static dyn Adapter<F>,
    state: Option<F::State>,
    actions: Vec<F::Action>,
}

impl<F: Family> Managed<F> {
    /// Returns an instance that wants `want`, by `adapter`.
    pub fn boxed(want: F::Want, adapter: &'static dyn Adapter<F>) -> Box<dyn Instance> {
        Box::new(Self { want, adapter, state: None, actions: Vec::new() })
    }
}

impl<F: Family> Instance for Managed<F> {
    fn type_name(&self) -> &'static str {
        F::TYPE
    }

    fn check(&self, facts: &HostFacts) -> Result<(), Problem> {
        self.adapter.check(&self.want, facts)
    }

    fn probe(&self, facts: &HostFacts) -> Vec<Op> {
        self.adapter.probe(&self.want, facts)
    }

    fn probe_batch(&self, others: &[&dyn Instance], facts: &HostFacts) -> Vec<Op> {
        let same = |adapter: &'static dyn Adapter<F>| {
            core::ptr::addr_eq(core::ptr::from_ref(adapter), core::ptr::from_ref(self.adapter))
        };
        let mut wants = alloc::vec![&self.want];
        let others = others.iter().filter_map(|o| o.as_any().downcast_ref::<Self>());
        wants.extend(others.filter(|o| same(o.adapter)).map(|o| &o.want));
        self.adapter.probe_all(&wants, facts)
    }

    fn interpret(&mut self, outputs: &Outputs, facts: &HostFacts) -> Interpreted<()> {
        match self.adapter.interpret(&self.want, outputs, facts) {
            Interpreted::Known(state) => {
                self.state = Some(state);
                Interpreted::Known(())
            }
            Interpreted::Unknown(why) => Interpreted::Unknown(why),
            Interpreted::Ask(ops) => Interpreted::Ask(ops),
        }
    }

    fn assume(&mut self, state: &Arc<dyn Any + Send + Sync>) -> bool {
        match state.downcast_ref::<F::State>() {
            Some(state) => {
                self.state = Some(state.clone());
                true
            }
            None => false,
        }
    }

    fn compare(&mut self, phase: Phase) -> Verdict {
        let comparison = match &self.state {
            Some(state) => F::compare(&self.want, state, phase),
            None => Comparison::fail(Problem::failed("compared before it was observed")),
        };
        let Comparison { changes, actions, diff, pending, failure, notes, doubtful } = comparison;
        self.actions = actions;
        Verdict { changes, diff, pending, failure, notes, doubtful }
    }

    fn refresh(&mut self) -> bool {
        let action = self.state.as_ref().and_then(|state| F::refresh(&self.want, state));
        self.actions = action.into_iter().collect();
        !self.actions.is_empty()
    }

    fn actions(&self) -> Vec<String> {
        self.actions.iter().map(ToString::to_string).collect()
    }

    fn lower(&self, facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        match &self.state {
            Some(state) => self.adapter.lower(&self.want, state, &self.actions, facts),
            None => Err(Problem::failed("lowered before it was observed")),
        }
    }

    fn amend(&self, facts: &HostFacts) -> Vec<Op> {
        let amends = F::amends(&self.want, &self.actions);
        match &self.state {
            Some(state) if !amends.is_empty() => {
                self.adapter.lower(&self.want, state, &amends, facts).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn predict(&self, outputs: &Outputs) -> Prediction {
        let Some(state) = &self.state else { return Prediction { state: None, shadow: Vec::new(), covers: None } };
        let predicted = F::predict(&self.want, state).map(|s| Arc::new(s) as Arc<dyn Any + Send + Sync>);
        let shadow = self.adapter.shadow(&self.want, state, &self.actions, outputs);
        let covers = self.actions.iter().find_map(|action| F::covers(&self.want, action));
        Prediction { state: predicted, shadow, covers }
    }

    fn shares(&self, op: &Op) -> bool {
        self.adapter.shares(op)
    }

    fn together(&self) -> &'static [&'static str] {
        F::TOGETHER
    }

    fn classify(&self, op: &Op, ran: &Ran) -> Option<Problem> {
        self.adapter.classify(&self.want, op, ran)
    }

    fn objection(&self, op: &Op, ran: &Ran) -> Option<Problem> {
        self.adapter.objection(&self.want, op, ran)
    }

    fn remark(&self, op: &Op, ran: &Ran) -> Option<String> {
        self.adapter.remark(op, ran)
    }

    fn diagnose(&self, facts: &HostFacts) -> Vec<Op> {
        self.adapter.diagnose(&self.want, facts)
    }

    fn keep(&self) -> Option<Keep> {
        F::keep(&self.want, self.state.as_ref()?)
    }

    fn evidence(&self) -> Option<String> {
        F::evidence(self.state.as_ref()?)
    }

    fn starts(&self) -> bool {
        self.state.as_ref().is_some_and(|state| self.actions.iter().any(|action| F::starts(action, state)))
    }

    fn unpredictable(&self) -> bool {
        F::UNPREDICTABLE
    }

    fn guards(&self) -> bool {
        F::GUARDS
    }

    fn spoils(&self) -> &'static [&'static str] {
        F::SPOILS
    }

    fn timeout(&self) -> Duration {
        F::timeout(&self.want)
    }

    fn settle(&self) -> Duration {
        F::SETTLE
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
