//! What generated machines do: what their runs come to.

use std::sync::Arc;
use vigo_core::agent::RunOrder;
use vigo_core::bundle::Place;
use vigo_core::converge::{Counts, Outcome, ResourceReport, RunOutcome, RunReport};
use vigo_core::resource::Change;
use vigo_core::time::Duration;

/// What generated machines do. Whether a server holds their connections is its own decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Profile {
    /// Nothing changes but with a new policy: a check-in an interval, and hardly a report
    Poll,
    /// Each run changes something: a report an interval
    Report,
}

/// Bytes of a report without a diff, about.
const BARE_BYTES: usize = 200;

impl Profile {
    /// Returns what a run came to. It is the first of its policy, or not; `bytes` is what its report is to have, about; the
    /// values of `withheld` secrets were not given.
    pub fn run(self, order: &RunOrder, is_first: bool, bytes: usize, withheld: usize, took: Duration) -> RunReport {
        let all = u32::try_from(order.bundle.resources.len()).unwrap_or(u32::MAX).max(1);
        let changes = is_first || self == Self::Report;
        let skipped = u32::try_from(withheld).unwrap_or(u32::MAX).min(all);
        let changed = u32::from(changes && skipped < all);
        let counts = Counts { ok: all - skipped - changed, changed, skipped, ..Counts::default() };
        RunReport {
            dry_run: order.assignment.observe_only,
            outcome: if skipped == 0 { RunOutcome::Converged } else { RunOutcome::NotConverged },
            counts,
            duration: took,
            resources: if changes { vec![changed_file(bytes)] } else { Vec::new() },
            files: Vec::new(),
        }
    }
}

/// Returns a file that was put right.
fn changed_file(bytes: usize) -> ResourceReport {
    const LINE: &str = "-what was there\n+what should be there\n";
    let lines = bytes.saturating_sub(BARE_BYTES).div_ceil(LINE.len());
    ResourceReport {
        id: Arc::from("load/file"),
        type_name: Arc::from("file"),
        outcome: Outcome::Changed,
        changes: vec![Change::new("content", "another", "as the policy says")],
        operations: Vec::new(),
        diff: (lines > 0).then(|| LINE.repeat(lines)),
        cause: None,
        help: None,
        log: None,
        notes: Vec::new(),
        unsupported: false,
        refreshed: false,
        duration: Duration::from_ms(1),
        place: Place::default(),
    }
}
