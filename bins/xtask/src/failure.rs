//! What went wrong, for a person at a terminal.

use std::fmt;
use std::path::Path;

/// Why a step was not done. Nothing here is decided by the kind of failure, so it is text.
#[derive(Debug)]
pub struct Failure(String);

/// What a step gives.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Returns a failure that says `text`: a lowercase fragment.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the failure of an operation on a file.
    pub fn at(path: &Path, error: &std::io::Error) -> Self {
        Self(format!("`{}`: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
