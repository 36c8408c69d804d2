//! One difference between what is and what should be.

use crate::value::Text;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

/// A change: a field, what it is, what it will be. Secrets are masked when it is made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// What changes: `mode`, `content`, `run_state`.
    pub field: Cow<'static, str>,
    /// What was observed.
    pub before: String,
    /// What is wanted.
    pub after: String,
}

impl Change {
    /// Returns a change of plain words.
    pub fn new(field: impl Into<Cow<'static, str>>, before: impl Into<String>, after: impl Into<String>) -> Self {
        Self { field: field.into(), before: before.into(), after: after.into() }
    }

    /// Returns a change of values of which one may be a secret: then neither is shown.
    pub fn masked(field: impl Into<Cow<'static, str>>, before: &Text, after: &Text) -> Self {
        match after.secret_path().or(before.secret_path()) {
            None => Self::new(field, before.as_str(), after.as_str()),
            Some(path) => Self::new(field, "(differs)", format!("«secret {path}»")),
        }
    }

    /// Returns the change of a permission mode.
    pub fn mode(before: u32, after: u32) -> Self {
        Self::new("mode", format!("{before:04o}"), format!("{after:04o}"))
    }
}
