//! One resource's turn, step by step.

use super::observe::Observation;
use super::proof::Lacking;
use super::report::ResourceReport;
use crate::action::Op;
use crate::host::{Phase, Problem};
use crate::resource::{Change, Instance};
use crate::time::{Duration, Timestamp};
use crate::when::{Look, Tri};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// The first pause before looking again; each is twice the one before.
pub(super) const PAUSE_MIN: Duration = Duration::from_ms(50);

/// The pause before an operation that met somebody else's lock is asked for again.
pub(super) const LOCK_PAUSE: Duration = Duration::from_secs(3);

/// A look under way: by plain reads, or by observing a resource.
pub(super) type Looking = (Look, Option<Box<dyn Instance>>, Observation);

/// A resource that has its turn.
pub(super) struct Turn {
    pub(super) node: u32,
    pub(super) stage: Stage,
    pub(super) started: Timestamp,
    /// From 0.
    pub(super) attempt: u32,
    /// Looks that are known, for this turn only: the next may see what this one did.
    pub(super) looks: Vec<(Look, Tri)>,
    /// A look that needs a resource of its own to be observed.
    pub(super) looking: Option<Looking>,
    pub(super) instance: Option<Box<dyn Instance>>,
    /// It is proved without its secrets: nothing is done but reading.
    pub(super) lacking: Option<Lacking>,
    pub(super) observation: Observation,
    /// Operations still to perform.
    pub(super) queue: VecDeque<Op>,
    /// When the operation in hand was first asked for; it may be asked for again.
    pub(super) asked: Option<Timestamp>,
    /// How often operations were made from an observation.
    pub(super) rounds: u8,
    /// When this attempt's operations must be through, counted from the first.
    pub(super) deadline: Timestamp,
    /// When waiting for the state ends.
    pub(super) settle_until: Option<Timestamp>,
    /// The next wait's length.
    pub(super) pause: Duration,
    /// What was still open when it was last compared.
    pub(super) open: Vec<Change>,
    /// Whether what was there before is kept, or need not be.
    pub(super) kept: bool,
    /// Whether an operation has changed something.
    pub(super) acted: bool,
    /// Whether the operations in hand are those of a refresh.
    pub(super) refreshing: bool,
    /// What puts back what its operations take away, should one of them fail.
    pub(super) amends: Vec<Op>,
    /// Why it fails, while that is put back.
    pub(super) amending: Option<Problem>,
    /// When in the run it was last started, by operations of this attempt.
    pub(super) started_at: Option<u64>,
    /// What it will be reported as.
    pub(super) report: ResourceReport,
}

impl Turn {
    /// Returns whether there is something left that a cancelled run does not do.
    pub(super) fn is_open(&self) -> bool {
        match &self.stage {
            _ if self.amending.is_some() => false,
            Stage::Gate | Stage::When | Stage::Ready | Stage::Keep | Stage::Foresee(_) | Stage::Retry { .. } => true,
            Stage::Observe(phase) | Stage::Wait { phase, .. } => *phase == Phase::Before,
            Stage::Perform | Stage::Locked { .. } => !self.queue.is_empty(),
            Stage::Diagnose(_) | Stage::Refresh => false,
        }
    }
}

/// Where a turn stands.
#[derive(Debug)]
pub(super) enum Stage {
    /// The looking part of the crate's gate.
    Gate,
    /// The looking part of `when:`.
    When,
    /// Dependencies, trigger, long texts, guards.
    Ready,
    /// Reading.
    Observe(Phase),
    /// Reading what is to be kept.
    Keep,
    /// Performing the queue.
    Perform,
    /// In a plan: looking whether the directories exist that the operations need.
    Foresee(Vec<Op>),
    /// Waiting to look again.
    Wait { until: Timestamp, why: String, phase: Phase },
    /// Reading what a failure left behind.
    Diagnose(Problem),
    /// Waiting for somebody else's lock, to ask for the operation again.
    Locked { until: Timestamp, why: String },
    /// Waiting for the next attempt.
    Retry { until: Timestamp },
    /// Looking whether a trigger refreshes it.
    Refresh,
}
