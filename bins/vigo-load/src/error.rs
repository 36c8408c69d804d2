//! Why there is no fleet.

use std::path::PathBuf;
use thiserror::Error;

/// Why there is no fleet.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The system refuses something.
    #[error("{what}: {why}")]
    System {
        /// What.
        what: &'static str,
        /// Why.
        why: std::io::Error,
    },
    /// The ledger cannot be used.
    #[error("{what} the ledger `{}`: {why}", path.display())]
    Ledger {
        /// What was tried.
        what: &'static str,
        /// The ledger.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The options do not go together.
    #[error("{0}")]
    Usage(String),
    /// No machine is alive any more.
    #[error("none of the {machines} machines became an envoy; the last was refused: {why}")]
    Nobody {
        /// How many there were to be.
        machines: usize,
        /// What the server said.
        why: String,
    },
}

impl LoadError {
    /// Returns what turns an error of the system into this one.
    pub fn system(what: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |why| Self::System { what, why }
    }
}
