//! Dotted paths.

use super::json::DEPTH_MAX;
use crate::host::Problem;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The step that stands for a new item at the end of an array.
pub(super) const APPEND: &str = "-";

/// Splits a dotted path.
pub(super) fn steps(key: &str) -> Result<Vec<String>, Problem> {
    let bad = |what: &str| Problem::bad_value("key", format!("expected {what}, found `{key}`"));
    let mut steps = alloc::vec![String::new()];
    let mut chars = key.chars();
    while let Some(c) = chars.next() {
        let step = match c {
            '.' => {
                steps.push(String::new());
                continue;
            }
            '\\' => match chars.next() {
                Some(c @ ('.' | '\\')) => c,
                _ => return Err(bad("`\\.` or `\\\\`")),
            },
            c => c,
        };
        if let Some(last) = steps.last_mut() {
            last.push(step);
        }
    }
    match () {
        () if steps.iter().any(String::is_empty) => Err(bad("a dotted path without empty steps")),
        () if steps.len() > DEPTH_MAX => Err(bad("a path of at most 128 steps")),
        () if steps.iter().rev().skip(1).any(|step| step == APPEND) => Err(bad("`-` as the last step only")),
        () => Ok(steps),
    }
}

/// Returns the index of an array that a step is.
pub(super) fn index(step: &str) -> Option<usize> {
    step.bytes().all(|b| b.is_ascii_digit()).then(|| step.parse().ok()).flatten()
}

/// Returns a path for messages.
pub(super) fn shown(steps: &[String]) -> String {
    if steps.is_empty() {
        return "the top".into();
    }
    steps.iter().map(|s| s.replace('\\', "\\\\").replace('.', "\\.")).collect::<Vec<_>>().join(".")
}
