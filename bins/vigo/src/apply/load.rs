//! From a directory of files to the policy of one host.

use super::cached::{self, Key, Policy};
use super::{ApplyError, RunMode, RunOptions};
use crate::executor::Executor;
use crate::traits;
use std::path::Path;
use vigo_core::config::Config;
use vigo_core::diagnostic::Diagnostic;
use vigo_core::resolve;
use vigo_core::source::Sources;
use vigo_driver::Print;

/// The policy of a tree, and what is doubtful in it.
pub(super) struct Loaded {
    pub(super) policy: Policy,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) sources: Sources,
}

/// Reads the tree and resolves what it has for the host.
pub(super) fn load(
    options: &RunOptions,
    mode: RunMode,
    hostname: &str,
    state_dir: &Path,
    executor: &mut Executor,
) -> Result<Loaded, ApplyError> {
    let files = vigo_driver::find(&options.stacks)?;
    let key = |prints: &[Print<'_>]| Key::of(prints, hostname, options.environment.as_deref());
    if cached::is_there(state_dir)
        && let Some(policy) = cached::read(state_dir, &key(&vigo_driver::prints(&files)?))
    {
        return Ok(Loaded { policy, warnings: Vec::new(), sources: Sources::default() });
    }
    let tree = vigo_driver::read(&files)?;
    // Of what was read: a file may have become another one meanwhile.
    let key = key(&vigo_driver::prints_of(&tree));
    let sources = Sources::read(&tree);
    drop(tree);
    let config = Config::read(&sources);
    // What a type of the machine's own means is not in the tree, so that the tree alone is no key to it.
    let is_foreign = config.has_foreign_types();
    let config = if is_foreign { config.with_custom_types(traits::custom_types(executor)) } else { config };
    let resolved = resolve::validate(&config, hostname, options.environment.as_deref());
    drop(config);
    let resolved = match resolved {
        Ok(resolved) => resolved,
        Err(diagnostics) => return Err(ApplyError::invalid(sources, diagnostics)),
    };
    let warnings = resolved.warnings;
    let policy = Policy {
        bundle: resolved.bundle,
        environment: resolved.class.environment.map(|e| e.to_string()).unwrap_or_default(),
        observe_only: resolved.observe_only,
    };
    if warnings.is_empty() && mode == RunMode::Apply && !is_foreign {
        cached::keep(state_dir, &key, &policy);
    }
    Ok(Loaded { policy, warnings, sources })
}
