//! Why `server.yaml` cannot be used.

use std::path::PathBuf;
use vigo_core::diagnostic::nearest;

/// Why `server.yaml` cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("read `{}`: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A key that does not exist.
    #[error("`{}`: unknown key `{key}`", .path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key, behind its section and a dot.
        key: String,
        /// The keys that there are at that place.
        known: Vec<&'static str>,
    },
    /// It is no YAML, or a value is none of its key's.
    #[error("`{}`: {why}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        why: String,
    },
}

impl ConfigError {
    /// Returns what to write instead, where that can be guessed.
    pub fn help(&self) -> Option<String> {
        let Self::UnknownKey { key, known, .. } = self else { return None };
        let word = key.rsplit('.').next().unwrap_or(key);
        Some(match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of `{}`", known.join("`, `")),
        })
    }
}
