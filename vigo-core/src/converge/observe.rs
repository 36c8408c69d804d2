//! Observing one instance: rounds of reads until its state is known.

use super::cache::Cache;
use crate::action::{Op, OpOutput, Outputs};
use crate::host::{HostFacts, Interpreted};
use crate::resource::Instance;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Rounds of questions after the first.
const ASKS_MAX: u8 = 3;

/// An observation under way.
#[derive(Default)]
pub(super) struct Observation {
    pub(super) outputs: Outputs,
    asks: u8,
    begun: bool,
    /// The operations in the driver's hands are those of a batch, to be kept for the others of the type.
    batch: bool,
}

/// How an observation goes on.
pub(super) enum Seen {
    /// These must be read first.
    Ask(Vec<Op>),
    /// The instance holds its state.
    Known,
    /// It cannot be observed.
    Unknown(String),
}

impl Observation {
    /// Begins: with the kept observation of all, a new one of all, or the instance's own reads.
    pub(super) fn begin(
        &mut self,
        instance: &mut dyn Instance,
        others: &[&dyn Instance],
        cache: &Cache,
        facts: &HostFacts,
    ) -> Seen {
        self.begun = true;
        if let Some(outputs) = cache.batch(instance.type_name()) {
            self.outputs = outputs.clone();
            return self.interpret(instance, facts);
        }
        if !others.is_empty() {
            let ops = instance.probe_batch(others, facts);
            if !ops.is_empty() {
                self.batch = true;
                return Seen::Ask(ops);
            }
        }
        match instance.probe(facts) {
            ops if ops.is_empty() => self.interpret(instance, facts),
            ops => Seen::Ask(ops),
        }
    }

    /// Returns whether [`Observation::begin`] was called.
    pub(super) fn begun(&self) -> bool {
        self.begun
    }

    /// Takes answers and goes on.
    pub(super) fn answers(
        &mut self,
        answers: Vec<(Arc<Op>, Arc<OpOutput>)>,
        instance: &mut dyn Instance,
        cache: &mut Cache,
        facts: &HostFacts,
    ) -> Seen {
        for (op, output) in answers {
            self.outputs.push(op, output);
        }
        if core::mem::take(&mut self.batch) {
            cache.put_batch(instance.type_name(), self.outputs.clone());
        }
        self.interpret(instance, facts)
    }

    fn interpret(&mut self, instance: &mut dyn Instance, facts: &HostFacts) -> Seen {
        match instance.interpret(&self.outputs, facts) {
            Interpreted::Known(()) => Seen::Known,
            Interpreted::Unknown(why) => Seen::Unknown(why),
            Interpreted::Ask(_) if self.asks >= ASKS_MAX => {
                Seen::Unknown(String::from("it was not known after three rounds of questions"))
            }
            Interpreted::Ask(ops) if ops.is_empty() => {
                Seen::Unknown(String::from("more was to be read, but nothing was named"))
            }
            Interpreted::Ask(ops) => {
                self.asks += 1;
                Seen::Ask(ops)
            }
        }
    }
}
