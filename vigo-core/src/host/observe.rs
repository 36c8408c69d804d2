//! One observation, driven to its end.

use super::{Adapter, Family, HostFacts, Interpreted};
use crate::action::{Op, OpOutput, Outputs};
use alloc::sync::Arc;

/// Rounds of reads that may follow the first.
pub const ROUNDS_MAX: usize = 3;

/// Observes a resource with `answer` in place of a machine: probes, and goes on while the adapter asks for more. For
/// programs that hold recorded or simulated answers; a run on a machine is `Converge`'s.
pub fn observe<F: Family>(
    adapter: &dyn Adapter<F>,
    want: &F::Want,
    facts: &HostFacts,
    mut answer: impl FnMut(&Op) -> OpOutput,
) -> Interpreted<F::State> {
    let mut outputs = Outputs::default();
    let mut ops = adapter.probe(want, facts);
    for _ in 0..=ROUNDS_MAX {
        for op in ops {
            let output = answer(&op);
            outputs.push(op, Arc::new(output));
        }
        match adapter.interpret(want, &outputs, facts) {
            Interpreted::Ask(more) => ops = more,
            end => return end,
        }
    }
    Interpreted::Unknown("the observation asks for more than its rounds".into())
}
