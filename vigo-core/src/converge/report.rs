//! What a run found and did.

use super::Mask;
use crate::bundle::{BundleResource, Place};
use crate::resource::Change;
use crate::time::Duration;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The report of a run. Everything in it is masked.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Whether the run only predicted.
    pub dry_run: bool,
    /// What it came to.
    pub outcome: RunOutcome,
    /// How many resources came to what.
    pub counts: Counts,
    /// How long it took.
    pub duration: Duration,
    /// The resources, in the order of their turns.
    pub resources: Vec<ResourceReport>,
    /// Paths of the policy's files, for [`ResourceReport::place`].
    pub files: Vec<Arc<str>>,
}

/// What a run came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunOutcome {
    /// Everything is as it should be.
    Converged,
    /// A dry run: something would change, or cannot be known.
    Drift,
    /// Something failed, is blocked, or was skipped for a bad reason.
    NotConverged,
}

/// Numbers of outcomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// In sync.
    pub ok: u32,
    /// Changed (in a dry run: would change).
    pub changed: u32,
    /// Failed.
    pub failed: u32,
    /// Skipped, for whatever cause.
    pub skipped: u32,
    /// Blocked.
    pub blocked: u32,
    /// A dry run cannot know.
    pub unknown: u32,
}

/// What one resource came to.
#[derive(Clone, Debug)]
pub struct ResourceReport {
    /// `crate/name`.
    pub id: Arc<str>,
    /// Its type.
    pub type_name: Arc<str>,
    /// The outcome.
    pub outcome: Outcome,
    /// What was found to differ.
    pub changes: Vec<Change>,
    /// What was done, or would be, as text.
    pub operations: Vec<String>,
    /// The unified diff of a file-like change.
    pub diff: Option<String>,
    /// Why it failed, is blocked, or was skipped.
    pub cause: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// The last output of what failed, or of its log.
    pub log: Option<String>,
    /// Remarks.
    pub notes: Vec<String>,
    /// Whether it failed because the system cannot do it, in whatever state the machine is.
    pub unsupported: bool,
    /// Whether a trigger refreshed it, or would.
    pub refreshed: bool,
    /// How long its turn took.
    pub duration: Duration,
    /// Where it was written.
    pub place: Place,
}

/// Outcome of one resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// In sync; also a guard that said no.
    Ok,
    /// It was changed (in a dry run: it would be).
    Changed,
    /// It failed.
    Failed,
    /// The machine, not the policy, is in the way.
    Blocked,
    /// It did not have its turn, or ended it early.
    Skipped(SkipCause),
    /// A dry run cannot know, because of what this resource would do before it.
    Unknown {
        /// `crate/name`.
        because: Arc<str>,
    },
}

/// Why a resource was skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SkipCause {
    /// Its `when:`, or its crate's gate, is false.
    When,
    /// A handler that nothing triggered.
    Untriggered,
    /// Something it depends on did not succeed.
    Dependency,
    /// A template or `when:` could not be evaluated.
    Error,
    /// A secret could not be had.
    Secret,
    /// The run was cancelled.
    Cancelled,
}

impl ResourceReport {
    /// Returns the report of a resource to which nothing has happened.
    pub(super) fn new(resource: &BundleResource) -> Self {
        Self::named(resource.id.clone(), resource.type_name.clone(), resource.place)
    }

    /// Returns an empty report.
    pub(super) fn unnamed() -> Self {
        Self::named("".into(), "".into(), Place::default())
    }

    fn named(id: Arc<str>, type_name: Arc<str>, place: Place) -> Self {
        Self {
            id,
            type_name,
            outcome: Outcome::Ok,
            changes: Vec::new(),
            operations: Vec::new(),
            diff: None,
            cause: None,
            help: None,
            log: None,
            notes: Vec::new(),
            unsupported: false,
            refreshed: false,
            duration: Duration::ZERO,
            place,
        }
    }

    /// Hides every secret in it.
    pub(super) fn mask(&mut self, mask: &Mask) {
        if mask.is_empty() {
            return;
        }
        for change in &mut self.changes {
            mask.string(&mut change.before);
            mask.string(&mut change.after);
        }
        let texts = [&mut self.diff, &mut self.cause, &mut self.help, &mut self.log].into_iter().flatten();
        texts.chain(&mut self.operations).chain(&mut self.notes).for_each(|text| mask.string(text));
    }
}

impl Outcome {
    /// Returns the word of reports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Skipped(_) => "skipped",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Returns whether what depends on it may run.
    pub fn satisfies(&self) -> bool {
        match self {
            Self::Ok | Self::Changed | Self::Unknown { .. } => true,
            Self::Skipped(cause) => !cause.is_bad(),
            Self::Failed | Self::Blocked => false,
        }
    }
}

impl SkipCause {
    /// Returns the word of reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::When => "when",
            Self::Untriggered => "untriggered",
            Self::Dependency => "dependency",
            Self::Error => "error",
            Self::Secret => "secret",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether the run has not converged because of it.
    pub fn is_bad(self) -> bool {
        !matches!(self, Self::When | Self::Untriggered)
    }
}

impl RunReport {
    /// Makes the report of a run's resources.
    pub(super) fn new(dry_run: bool, duration: Duration, resources: Vec<ResourceReport>, files: Vec<Arc<str>>) -> Self {
        let mut counts = Counts::default();
        let mut bad = false;
        for r in &resources {
            match &r.outcome {
                Outcome::Ok => counts.ok += 1,
                Outcome::Changed => counts.changed += 1,
                Outcome::Failed => counts.failed += 1,
                Outcome::Blocked => counts.blocked += 1,
                Outcome::Skipped(_) => counts.skipped += 1,
                Outcome::Unknown { .. } => counts.unknown += 1,
            }
            bad |= !r.outcome.satisfies();
        }
        let outcome = if bad {
            RunOutcome::NotConverged
        } else if dry_run && (counts.changed > 0 || counts.unknown > 0 || resources.iter().any(|r| r.refreshed)) {
            RunOutcome::Drift
        } else {
            RunOutcome::Converged
        };
        Self { dry_run, outcome, counts, duration, resources, files }
    }
}
