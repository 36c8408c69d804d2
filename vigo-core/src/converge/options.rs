//! What a run is told beside its policy.

use super::{Proofs, RevertCommand, StoredTrigger};
use crate::entropy::Entropy;
use crate::resource::Snapshot;
use crate::time::Civil;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How a run is to go, and what the driver knows at its start.
#[derive(Debug)]
pub struct Options {
    /// Perform reads only, and predict.
    pub dry_run: bool,
    /// Resources to run, as `crate/name`; empty is all. The others are left out as if they were not in the policy,
    /// except that what was stored for them is kept.
    pub only: Vec<Arc<str>>,
    /// The envoy, for templates and `hostname_match`.
    pub envoy: Envoy,
    /// Local date and time at the start of the run.
    pub clock: Civil,
    /// Triggers that earlier runs stored.
    pub triggers: Vec<StoredTrigger>,
    /// What earlier runs kept, where [`super::Converge::reverts`] says that this one may bring it back.
    pub snapshots: Vec<Snapshot>,
    /// `on_revert` commands that have succeeded, likewise.
    pub revert_commands: Vec<RevertCommand>,
    /// Digests of what earlier runs made of secrets; `None` where none are kept.
    pub proofs: Option<Proofs>,
    /// Fresh random bytes, one piece for each salt that [`super::Converge::entropy_wanted`] counts.
    pub entropy: Vec<Entropy>,
    /// Seed of jitter between attempts; of nothing else.
    pub seed: u64,
}

/// What `.Envoy` is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envoy {
    /// The name as enrolled.
    pub hostname: Arc<str>,
    /// The envoy's id; empty without a server.
    pub id: Arc<str>,
    /// The environment; empty when none applies.
    pub environment: Arc<str>,
}
