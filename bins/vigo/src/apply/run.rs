//! One run, from the flags to the report.

use super::converge::{Job, converge};
use super::load::{Loaded, load};
use super::{ApplyError, RunMode, RunOptions, local, only, secrets};
use crate::executor::{Executor, ExecutorOptions, system_text};
use crate::output::Progress;
use crate::system;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vigo_core::converge::{Converge, Envoy, RunReport};
use vigo_core::diagnostic::Diagnostic;
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
        None => system::hostname(),
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
    let observe = mode == RunMode::Plan || policy.observe_only;
    let job = Job {
        bundle,
        envoy: Envoy { hostname: hostname.into(), id: "".into(), environment: policy.environment.into() },
        observe,
        proofs: None,
        only: options.only.iter().map(|s| Arc::from(s.as_str())).collect(),
        root,
        state_dir,
    };
    let interrupted = interrupts();
    let mut progress = Progress::new(options.format, interrupted.clone());
    let (report, converge) = converge(job, &mut executor, &secrets, &mut progress, &interrupted)?;
    Ok(Applied { report, warnings, sources, converge })
}

fn interrupts() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // A second one ends the process at once.
        let registered = signal_hook::flag::register_conditional_default(signal, flag.clone())
            .and_then(|_| signal_hook::flag::register(signal, flag.clone()));
        if let Err(error) = registered {
            tracing::warn!("signal {signal} cannot be caught: {error}");
        }
    }
    flag
}
