//! One run of a policy, wherever it came from.

use super::drive::drive;
use super::secrets::Secrets;
use super::{ApplyError, local};
use crate::executor::Executor;
use crate::output::Progress;
use crate::state::{Access, Kept, State};
use crate::{system, traits};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vigo_core::bundle::PolicyBundle;
use vigo_core::converge::{Converge, Envoy, Options, Proofs, RunReport};
use vigo_core::host::HostFacts;

/// What is to be converged, and where.
pub struct Job {
    /// The policy.
    pub bundle: Arc<PolicyBundle>,
    /// Whose it is.
    pub envoy: Envoy,
    /// Changes are reported, not made.
    pub observe: bool,
    /// As [`Options::proofs`], without those of earlier runs.
    pub proofs: Option<Proofs>,
    /// As [`Options::only`].
    pub only: Vec<Arc<str>>,
    /// The image or sandbox, resolved.
    pub root: Option<PathBuf>,
    /// Where the state is kept.
    pub state_dir: PathBuf,
}

/// Converges, or observes. Returns the report, and the machine that came to it, at its end.
///
/// # Errors
/// [`ApplyError`], when nothing could be done.
pub fn converge(
    job: Job,
    executor: &mut Executor,
    secrets: &Secrets<'_>,
    progress: &mut Progress,
    interrupted: &AtomicBool,
) -> Result<(Arc<RunReport>, Converge), ApplyError> {
    let Job { bundle, envoy, observe, mut proofs, only, root, state_dir } = job;
    let host = system::host();
    let collected = traits::collect(&bundle.traits_wanted(), executor);
    let mut facts = HostFacts::from_traits(collected.value());
    facts.image = root.as_deref().map(local::abs_path).transpose()?;
    facts.programs = local::programs(host.programs());
    facts.now = local::now();
    let mut state = State::open(&state_dir, if observe { Access::Read } else { Access::Write })?;
    let triggers = state.triggers()?;
    let kept = if Converge::reverts(&bundle) { state.kept()? } else { Kept::default() };
    if let Some(proofs) = &mut proofs {
        proofs.kept = state.proofs()?;
    }
    state.take_notices().iter().for_each(|notice| tracing::warn!("{notice}"));
    let options = Options {
        dry_run: observe,
        only,
        envoy,
        clock: local::clock(facts.now),
        triggers,
        snapshots: kept.snapshots,
        revert_commands: kept.revert_commands,
        proofs,
        entropy: vigo_driver::entropy(&bundle),
        seed: local::seed(),
    };
    let mut converge = Converge::new(bundle, collected, host, facts, options);
    let report = drive(&mut converge, executor, &mut state, secrets, progress, interrupted);
    if let Err(error) = state.flush() {
        tracing::warn!("what was made new cannot be reverted, nor proved without its secrets: {error}");
    }
    Ok((report, converge))
}
