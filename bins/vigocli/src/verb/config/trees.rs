//! In what the policies of two trees differ.

use super::diff::diff_text;
use super::local;
use crate::error::CliError;
use crate::output::Answer;
use std::path::Path;
use vigo_core::bundle::{ClassesDiff, compare_classes};
use vigo_core::config::Config;
use vigo_core::diagnostic::Diagnostic;
use vigo_core::resolve::{ClassPolicy, classes};
use vigo_core::source::Sources;

/// Compares two trees.
pub(super) fn between(old: &Path, new: &Path) -> Result<Answer, CliError> {
    let read = |dir: &Path| Ok::<_, CliError>(Sources::read(&vigo_driver::read_tree(dir)?));
    let (old, new) = (read(old)?, read(new)?);
    let found = compare(&old, &new)?;
    let json = vigo_driver::differences_json(&found);
    let text = diff_text(&json);
    Ok(Answer::new(json, text))
}

/// Returns in what the policies of two trees differ.
pub(super) fn compare(old: &Sources, new: &Sources) -> Result<ClassesDiff, CliError> {
    let policies = |sources: &Sources| resolved(sources).map_err(local::invalid(sources));
    differences(&policies(old)?, &policies(new)?)
}

/// Returns the policy of every class.
pub(super) fn resolved(sources: &Sources) -> Result<Vec<ClassPolicy>, Vec<Diagnostic>> {
    let mut all = Vec::new();
    classes(&Config::read(sources), &mut |policy| all.push(policy))?;
    Ok(all)
}

/// Returns in what policies differ, class by class.
pub(super) fn differences(old: &[ClassPolicy], new: &[ClassPolicy]) -> Result<ClassesDiff, CliError> {
    let too_large = |error: vigo_core::bundle::BundleError| CliError::Usage {
        why: format!("a policy cannot be compared: {error}"),
    };
    let old: Vec<_> = old.iter().map(ClassPolicy::state).collect::<Result<_, _>>().map_err(too_large)?;
    let new: Vec<_> = new.iter().map(ClassPolicy::state).collect::<Result<_, _>>().map_err(too_large)?;
    compare_classes(&old, &new).map_err(too_large)
}
