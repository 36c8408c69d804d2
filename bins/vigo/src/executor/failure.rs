//! From what the system says to what the core understands.

use super::platform::{Fault, kind_of};
use std::fmt::Display;
use vigo_core::action::{FailureKind, OpFailure};
pub(crate) use vigo_driver::system_text as text;

/// The outcome of a step of an operation.
pub(crate) type Answer<T> = Result<T, OpFailure>;

/// Returns a failure of this kind.
pub(crate) fn failure(kind: FailureKind, message: impl Into<String>) -> OpFailure {
    OpFailure { kind, message: message.into() }
}

/// Returns a function that makes a failure of the system's answer to `what` at `path`.
pub(crate) fn at(what: &'static str, path: impl Display) -> impl FnOnce(Fault) -> OpFailure {
    move |fault| failure(kind_of(&fault), format!("{what} `{path}`: {}", text(fault)))
}
