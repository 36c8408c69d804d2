//! What is wrong with an expression, and where in its text.

use crate::diagnostic::nearest;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// A mistake in a `when:` text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhenError {
    /// The first byte of what is wrong, in the text of the expression.
    pub at: usize,
    /// Its length in bytes; 0 at the end of the text.
    pub len: usize,
    /// What kind of mistake it is.
    pub kind: WhenErrorKind,
    /// What is wrong: lowercase, no full stop, values in backticks.
    pub message: String,
    /// What to write instead, in the imperative.
    pub help: Option<String>,
}

/// What kind of mistake it is: each has an explanation of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhenErrorKind {
    /// The text is no expression.
    Syntax,
    /// A condition that does not exist.
    Name,
    /// Arguments that a condition does not take.
    Argument,
    /// A condition where it cannot stand.
    Place,
}

impl WhenError {
    /// Returns an error about the `len` bytes at `at`.
    pub fn new(at: usize, len: usize, message: impl Into<String>) -> Self {
        Self { at, len, kind: WhenErrorKind::Syntax, message: message.into(), help: None }
    }

    /// Says what kind of mistake it is.
    #[must_use]
    pub fn of_kind(self, kind: WhenErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Names the one of `known` that is near to `word`; keeps the help there is when none is.
    #[must_use]
    pub fn did_you_mean<'a>(mut self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        if let Some(name) = nearest(&word.to_lowercase(), known) {
            self.help = Some(format!("did you mean `{name}`?"));
        }
        self
    }
}

impl fmt::Display for WhenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
