//! Why nothing is brought over.

use alloc::string::String;
use alloc::sync::Arc;

/// Why nothing is brought over.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PromoteError {
    /// No `environments.vgo` has the environment.
    #[error("no environments.vgo has an environment `{name}`")]
    NoEnvironment {
        /// The name.
        name: String,
        /// The nearest one that there is.
        nearest: Option<String>,
    },
    /// Both are one.
    #[error("`{0}` cannot be brought over to itself")]
    Itself(String),
    /// What is asked for is not there.
    #[error("environment `{environment}` sets no {what} `{name}`")]
    NotSet {
        /// The environment.
        environment: String,
        /// `variable` or `configcrate`.
        what: &'static str,
        /// The name.
        name: String,
        /// The nearest one that it sets.
        nearest: Option<String>,
    },
    /// What would be changed is written in a way that an edit would spoil.
    #[error("{file}:{line}: `{key}` is written by an alias or a merge key")]
    Shared {
        /// The file.
        file: Arc<str>,
        /// The line, from 1.
        line: u32,
        /// The key.
        key: String,
    },
}

impl PromoteError {
    /// Returns what to do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoEnvironment { nearest, .. } | Self::NotSet { nearest, .. } => {
                nearest.as_ref().map(|name| alloc::format!("did you mean `{name}`?"))
            }
            Self::Itself(_) => None,
            Self::Shared { .. } => Some("change it by hand: an edit here would change it elsewhere, too".into()),
        }
    }
}
