//! `vigo apply` and `vigo plan`: from a directory of files to a report.

mod cached;
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
use cached::{Key, Policy};
use std::path::PathBuf;
use std::sync::Arc;
use vigo_core::bundle::PolicyBundle;
use vigo_core::config::Config;
use vigo_core::converge::{Converge, Envoy, Options, RunReport};
use vigo_core::diagnostic::{Diagnostic, Severity};
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
    let hostname = match &options.hostname {
        Some(name) => name.to_lowercase(),
        None => local::hostname()?,
    };
    let root = options.root.as_deref().map(local::image).transpose()?;
    let executor_options = ExecutorOptions::new(root.clone(), &options.state_dir);
    let mut executor = Executor::new(executor_options).map_err(|e| ApplyError::Executor(e.to_string()))?;
    let Loaded { policy, warnings, sources } = load(options, &hostname, &mut executor)?;
    let bundle = Arc::new(policy.bundle);
    check_only(&options.only, &bundle)?;
    let secrets = secrets::read(options.secrets_file.as_deref())?;
    let host = local::host();
    let collected = traits::collect(&bundle.traits_wanted(), &mut executor);
    let mut facts = HostFacts::from_traits(collected.value());
    facts.image = root.as_deref().map(local::abs_path).transpose()?;
    facts.programs = local::programs(host.programs());
    facts.now = local::now();
    facts.planning = options.dry_run;
    let observe = options.dry_run || policy.observe_only;
    let mut state = State::open(&options.state_dir, if observe { Access::Read } else { Access::Write })?;
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
    Ok(Applied { report, warnings, sources })
}

/// The policy of a tree, and what is doubtful in it.
struct Loaded {
    policy: Policy,
    warnings: Vec<Diagnostic>,
    sources: Sources,
}

/// Reads the tree and resolves what it has for the host.
fn load(options: &ApplyOptions, hostname: &str, executor: &mut Executor) -> Result<Loaded, ApplyError> {
    let tree = tree::read(&options.stacks)?;
    let key = Key::of(&tree, hostname, options.environment.as_deref());
    if let Some(policy) = cached::read(&options.state_dir, &key) {
        return Ok(Loaded { policy, warnings: Vec::new(), sources: Sources::default() });
    }
    let sources = Sources::read(&tree);
    drop(tree);
    let config = Config::read(&sources);
    // What a type of the machine's own means is not in the tree, so that the tree alone is no key to it.
    let is_foreign = config.has_foreign_types();
    let config = if is_foreign { config.with_custom_types(traits::custom_types(executor)) } else { config };
    let resolved = resolved(&config, hostname, options.environment.as_deref());
    drop(config);
    let (policy, warnings) = match resolved {
        Ok(resolved) => resolved,
        Err(diagnostics) => return Err(ApplyError::invalid(sources, diagnostics)),
    };
    if warnings.is_empty() && !options.dry_run && !is_foreign {
        cached::keep(&options.state_dir, &key, &policy);
    }
    Ok(Loaded { policy, warnings, sources })
}

/// Checks the whole tree, and returns the host's policy and the warnings; or all that is wrong.
fn resolved(
    config: &Config<'_>,
    hostname: &str,
    environment: Option<&str>,
) -> Result<(Policy, Vec<Diagnostic>), Vec<Diagnostic>> {
    let found = resolve::check(config);
    let resolved = match resolve::resolve(config, hostname, environment) {
        Ok(resolved) if found.iter().all(|d| d.severity() != Severity::Error) => resolved,
        Ok(_) => return Err(found),
        Err(mut diagnostics) => {
            diagnostics.extend(found);
            return Err(diagnostics);
        }
    };
    let mut warnings = config.diagnostics.clone();
    for warning in resolved.warnings.into_iter().chain(found) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    let policy = Policy {
        bundle: resolved.bundle,
        environment: resolved.class.environment.map(|e| e.to_string()).unwrap_or_default(),
        observe_only: resolved.observe_only,
    };
    Ok((policy, warnings))
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
