//! One run, from the flags to the report.

use super::drive::drive;
use super::load::{Loaded, load};
use super::{ApplyError, RunMode, RunOptions, local, only, secrets};
use crate::executor::{Executor, ExecutorOptions, system_text};
use crate::state::{Access, Kept, State};
use crate::traits;
use std::sync::Arc;
use vigo_core::converge::{Converge, Envoy, Options, RunReport};
use vigo_core::diagnostic::Diagnostic;
use vigo_core::host::HostFacts;
use vigo_core::resolve;
use vigo_core::source::Sources;

/// A report, and the warnings of the tree it came from.
pub struct Applied {
    /// What the run came to.
    pub report: Arc<RunReport>,
    /// What is doubtful in the tree.
    pub warnings: Vec<Diagnostic>,
    /// The files that the warnings point into.
    pub sources: Sources,
    /// The machine that came to the report, which is at its end.
    pub converge: Converge,
}

/// Converges, or plans.
///
/// # Errors
/// [`ApplyError`], when the usage or the configuration is wrong: nothing was done.
pub fn run(options: &RunOptions, mode: RunMode) -> Result<Applied, ApplyError> {
    let hostname = match &options.hostname {
        Some(name) => name.clone(),
        None => local::hostname(),
    };
    let hostname = resolve::hostname(&hostname).map_err(|why| ApplyError::Hostname { name: hostname, why })?;
    let root = options.root.as_deref().map(local::image).transpose()?;
    let state_dir = local::state_dir(options.state_dir.as_deref(), root.as_deref())?;
    let executor_options = ExecutorOptions::new(root.clone(), &state_dir);
    let mut executor = Executor::new(executor_options).map_err(|e| ApplyError::Executor(system_text(e)))?;
    let Loaded { policy, warnings, sources } = load(options, mode, &hostname, &state_dir, &mut executor)?;
    let bundle = Arc::new(policy.bundle);
    only::check(&options.only, &bundle)?;
    let secrets = secrets::read(options.secrets_file.as_deref())?;
    let host = local::host();
    let collected = traits::collect(&bundle.traits_wanted(), &mut executor);
    let mut facts = HostFacts::from_traits(collected.value());
    facts.image = root.as_deref().map(local::abs_path).transpose()?;
    facts.programs = local::programs(host.programs());
    facts.now = local::now();
    let observe = mode == RunMode::Plan || policy.observe_only;
    let mut state = State::open(&state_dir, if observe { Access::Read } else { Access::Write })?;
    let triggers = state.triggers()?;
    let kept = if Converge::reverts(&bundle) { state.kept()? } else { Kept::default() };
    state.take_notices().iter().for_each(|notice| tracing::warn!("{notice}"));
    let run_options = Options {
        dry_run: observe,
        only: options.only.iter().map(|s| Arc::from(s.as_str())).collect(),
        envoy: Envoy { hostname: hostname.into(), id: "".into(), environment: policy.environment.into() },
        clock: local::clock(facts.now),
        triggers,
        snapshots: kept.snapshots,
        revert_commands: kept.revert_commands,
        entropy: local::entropy(Converge::entropy_wanted(&bundle)),
        seed: local::seed(),
    };
    let mut converge = Converge::new(bundle, collected, host, facts, run_options);
    let report = drive(&mut converge, &mut executor, &mut state, &secrets, options.format);
    if let Err(error) = state.flush() {
        tracing::warn!("what was made new cannot be reverted: {error}");
    }
    Ok(Applied { report, warnings, sources, converge })
}
