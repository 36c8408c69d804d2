//! `vigocli config validate`.

use crate::error::CliError;
use crate::output::{Answer, count, render};
use serde_json::json;
use std::path::Path;
use vigo_core::config::Config;
use vigo_core::resolve;
use vigo_core::source::Sources;

/// Looks whether a tree can be published.
pub(super) fn validate(stacks: &Path) -> Result<Answer, CliError> {
    let tree = vigo_driver::read_tree(stacks)?;
    let sources = Sources::read(&tree);
    let diagnostics = resolve::check(&Config::read(&sources));
    let diagnostics = vigo_driver::diagnostics_json(&diagnostics, sources.map());
    let (errors, warnings) = count(&diagnostics);
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let text = match (errors, warnings) {
        (0, 0) => "The tree is valid.\n".into(),
        (0, _) => format!("The tree is valid, with {}.\n", plural(warnings, "warning")),
        _ => format!("The tree is not valid: {}, {}.\n", plural(errors, "error"), plural(warnings, "warning")),
    };
    let notes = render(&diagnostics);
    let json = json!({ "valid": errors == 0, "errors": errors, "warnings": warnings, "diagnostics": diagnostics });
    Ok(Answer { notes, status: u8::from(errors > 0), ..Answer::new(json, text) })
}
