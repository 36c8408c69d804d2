//! `vigo apply` and `vigo plan`: from a directory of files to a report.

mod checked;
mod drive;
mod error;
mod local;
mod secrets;
mod tree;

pub use drive::drive;
pub use error::ApplyError;

use crate::cli::Format;
use crate::executor::{Executor, ExecutorOptions};
use crate::state::{Access, Kept, State};
use crate::traits;
use std::path::PathBuf;
use std::sync::Arc;
use vigo_core::bundle::PolicyBundle;
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Envoy, Options, RunReport};
use vigo_core::diagnostic::{Diagnostic, Severity, tidy};
use vigo_core::host::HostFacts;
use vigo_core::resolve;
use vigo_core::source::Sources;

/// What `apply` is told.
#[derive(Debug)]
pub struct ApplyOptions {
    /// Predict only.
    pub dry_run: bool,
    /// The tree.
    pub stacks: PathBuf,
    /// The name that selects the policy.
    pub hostname: Option<String>,
    /// The environment in place of the block's.
    pub environment: Option<String>,
    /// The image or sandbox to converge.
    pub root: Option<PathBuf>,
    /// Resources or crates to run; empty is all.
    pub only: Vec<String>,
    /// How to print.
    pub format: Format,
    /// Secrets by path.
    pub secrets_file: Option<PathBuf>,
    /// Where state is kept.
    pub state_dir: PathBuf,
}

/// A report, and the warnings of the tree it came from.
pub struct Applied {
    /// What the run came to.
    pub report: Arc<RunReport>,
    /// What is doubtful in the tree.
    pub warnings: Vec<Diagnostic>,
    /// The files that the warnings point into.
    pub sources: Sources,
}

/// Converges, or plans.
///
/// # Errors
/// [`ApplyError`], when the usage or the configuration is wrong: nothing was done.
pub fn run(options: &ApplyOptions) -> Result<Applied, ApplyError> {
    let tree = tree::read(&options.stacks)?;
    let sources = Sources::read(&tree);
    let digest = checked::digest(&tree);
    drop(tree);
    let hostname = match &options.hostname {
        Some(name) => name.to_lowercase(),
        None => local::hostname()?,
    };
    let config = Config::read(&sources);
    let resolved = match resolve::resolve(&config, &hostname, options.environment.as_deref()) {
        Ok(resolved) => resolved,
        Err(of_host) => {
            let mut diagnostics = resolve::check(&config);
            if !config.has_errors() {
                diagnostics.extend(of_host);
            }
            drop(config);
            return Err(ApplyError::invalid(sources, diagnostics));
        }
    };
    let mut warnings = config.diagnostics.clone();
    warnings.extend(resolved.warnings);
    // A tree that was checked whole before, by this very agent, has not grown mistakes since.
    if options.dry_run || !checked::is_known(&options.state_dir, &digest) {
        let found = resolve::check(&config);
        if found.iter().any(|d| d.severity() == Severity::Error) {
            drop(config);
            return Err(ApplyError::invalid(sources, found));
        }
        // What the check says of a place is more than what the host's own class says of it.
        warnings = found.into_iter().chain(warnings).collect();
        if !options.dry_run && warnings.is_empty() {
            checked::remember(&options.state_dir, &digest);
        }
    }
    let warnings = tidy(warnings);
    drop(config);
    let bundle = Arc::new(resolved.bundle);
    check_only(&options.only, &bundle)?;
    let secrets = secrets::read(options.secrets_file.as_deref())?;
    let root = options.root.as_deref().map(local::image).transpose()?;
    let executor_options = ExecutorOptions::new(root.clone(), &options.state_dir);
    let mut executor = Executor::new(executor_options).map_err(|e| ApplyError::Executor(e.to_string()))?;
    let host = local::host();
    let collected = traits::collect(&bundle.traits_wanted(), &mut executor);
    let mut facts = HostFacts::from_traits(collected.value());
    facts.image = root.as_deref().map(local::abs_path).transpose()?;
    facts.programs = local::programs(host.programs());
    facts.now = local::now();
    facts.planning = options.dry_run;
    let observe = options.dry_run || resolved.observe_only;
    let mut state = State::open(&options.state_dir, if observe { Access::Read } else { Access::Write })?;
    let triggers = state.triggers()?;
    let kept = if Converge::reverts(&bundle) { state.kept()? } else { Kept::default() };
    state.take_notices().iter().for_each(|notice| tracing::warn!("{notice}"));
    let run_options = Options {
        dry_run: observe,
        only: options.only.iter().map(|s| Arc::from(s.as_str())).collect(),
        envoy: Envoy {
            hostname: hostname.into(),
            id: "".into(),
            environment: resolved.class.environment.clone().unwrap_or_default(),
        },
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
    Ok(Applied { report, warnings, sources })
}

/// Refuses an `--only` that names nothing, with the nearest name.
fn check_only(only: &[String], bundle: &PolicyBundle) -> Result<(), ApplyError> {
    for word in only {
        if !bundle.resources.iter().any(|r| r.is_named(word)) {
            let ids = bundle.resources.iter().map(|r| &*r.id);
            let names = ids.chain(bundle.crates.iter().map(|c| &*c.name));
            let near = vigo_core::diagnostic::nearest(word, names).map(str::to_string);
            return Err(ApplyError::UnknownOnly { word: word.clone(), near });
        }
    }
    Ok(())
}
