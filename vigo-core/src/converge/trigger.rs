//! Triggers: what a change will notify, kept from before the change until the target has run.

use super::Proof;
use crate::resource::Snapshot;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A trigger that outlives a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredTrigger {
    /// `crate/name` of what changed, or was about to.
    pub source: Arc<str>,
    /// `crate/name` of what is to be triggered.
    pub target: Arc<str>,
    /// Whether the source succeeded. One that is not fired yet fires when its source next succeeds.
    pub fired: bool,
}

/// What a driver makes durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// Keep (or overwrite, by source and target) this trigger.
    Trigger(StoredTrigger),
    /// Forget this one.
    TriggerDone {
        /// The source.
        source: Arc<str>,
        /// The target.
        target: Arc<str>,
    },
    /// Keep this, unless one of the same type and target is kept that was not brought back yet; a file's content also as
    /// the newest of its last [`VERSIONS_MAX`] versions.
    Snapshot(Snapshot),
    /// What was kept has been brought back.
    Reverted {
        /// The resource type.
        type_name: Arc<str>,
        /// The target.
        target: Arc<str>,
    },
    /// An `on_revert` command has succeeded: it is not run again until its text changes.
    RevertCommand(RevertCommand),
    /// Keep (or overwrite, by its resource) this. One that is lost costs that its resource is skipped without its secrets.
    Proof(Proof),
    /// Forget that of this resource, `crate/name`.
    Unproved(Arc<str>),
}

/// Versions of a file that a driver keeps.
pub const VERSIONS_MAX: usize = 5;

/// An `on_revert` command that has succeeded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevertCommand {
    /// `crate/name`.
    pub id: Arc<str>,
    /// SHA-256 of its text.
    pub sha256: [u8; 32],
}

/// The triggers of a run.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    /// By target, then source.
    pairs: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Live>>,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    fired: bool,
    /// When in this run the source changed; 0 is before it.
    at: u64,
}

impl Triggers {
    /// Takes over what earlier runs stored, and returns what has lost its source or target.
    pub(super) fn load(stored: &[StoredTrigger], known: &BTreeSet<&str>) -> (Self, Vec<Record>) {
        let mut triggers = Self::default();
        let mut lost = Vec::new();
        for t in stored {
            if known.contains(&*t.source) && known.contains(&*t.target) {
                let live = Live { fired: t.fired, at: 0 };
                triggers.pairs.entry(t.target.clone()).or_default().insert(t.source.clone(), live);
            } else {
                lost.push(Record::TriggerDone { source: t.source.clone(), target: t.target.clone() });
            }
        }
        (triggers, lost)
    }

    /// Arms the triggers of a source that is about to change, and returns what must be stored first.
    pub(super) fn arm(&mut self, source: &Arc<str>, targets: &[Arc<str>], at: u64) -> Vec<Record> {
        let mut records = Vec::new();
        for target in targets {
            let sources = self.pairs.entry(target.clone()).or_default();
            if let Some(live) = sources.get_mut(source) {
                live.at = at;
                continue;
            }
            sources.insert(source.clone(), Live { fired: false, at });
            let (source, target) = (source.clone(), target.clone());
            records.push(Record::Trigger(StoredTrigger { source, target, fired: false }));
        }
        records
    }

    /// Takes back what was armed and could not be stored.
    pub(super) fn disarm(&mut self, records: &[Record]) {
        for record in records {
            if let Record::Trigger(StoredTrigger { source, target, fired: false }) = record
                && let Some(sources) = self.pairs.get_mut(target)
            {
                sources.remove(source);
            }
        }
    }

    /// Fires the armed triggers of a source that succeeded, and returns what must be stored.
    pub(super) fn fire(&mut self, source: &Arc<str>, targets: &[Arc<str>]) -> Vec<Record> {
        let mut records = Vec::new();
        for target in targets {
            if let Some(live) = self.pairs.get_mut(target).and_then(|sources| sources.get_mut(source))
                && !live.fired
            {
                live.fired = true;
                let (source, target) = (source.clone(), target.clone());
                records.push(Record::Trigger(StoredTrigger { source, target, fired: true }));
            }
        }
        records
    }

    /// Returns when the newest change that triggers `target` was made; `None` when nothing triggers it.
    pub(super) fn newest(&self, target: &str) -> Option<u64> {
        self.pairs.get(target)?.values().filter(|live| live.fired).map(|live| live.at).max()
    }

    /// Uses up the fired triggers of a target that has run, and returns what is to be forgotten.
    pub(super) fn consume(&mut self, target: &Arc<str>) -> Vec<Record> {
        let Some(sources) = self.pairs.get_mut(target) else { return Vec::new() };
        let mut records = Vec::new();
        sources.retain(|source, live| {
            if live.fired {
                records.push(Record::TriggerDone { source: source.clone(), target: target.clone() });
            }
            !live.fired
        });
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trigger_waits_for_its_source_to_succeed() {
        let (s, t): (Arc<str>, Arc<str>) = ("c/file".into(), "c/reload".into());
        let mut triggers = Triggers::default();
        assert_eq!(triggers.arm(&s, core::slice::from_ref(&t), 3).len(), 1);
        assert_eq!(triggers.newest(&t), None);
        assert_eq!(triggers.fire(&s, core::slice::from_ref(&t)).len(), 1);
        assert_eq!(triggers.newest(&t), Some(3));
        assert_eq!(triggers.consume(&t).len(), 1);
        assert_eq!(triggers.newest(&t), None);
    }

    #[test]
    fn a_trigger_whose_target_left_the_policy_is_forgotten() {
        let stored = [StoredTrigger { source: "c/a".into(), target: "c/gone".into(), fired: true }];
        let (triggers, lost) = Triggers::load(&stored, &BTreeSet::from(["c/a"]));
        assert_eq!(lost.len(), 1);
        assert_eq!(triggers.newest("c/gone"), None);
    }
}
