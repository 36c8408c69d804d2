//! Why the state directory cannot be used.

use std::path::PathBuf;

/// An error of the state directory.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another run holds it.
    #[error("another run{} is at work with state directory `{}`", .pid.as_ref().map(|p| format!(" (process {p})")).unwrap_or_default(), .dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The process that holds it, where it said so.
        pid: Option<u32>,
    },
    /// A file could not be read, made or moved.
    #[error("{what} `{}`: {source}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database did not take a record.
    #[error("write state `{}`: {why}", .path.display())]
    Write {
        /// The database.
        path: PathBuf,
        /// What it said.
        why: String,
    },
}

impl StateError {
    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Locked { .. } => Some("wait until it has ended, or give this run a `--state-dir` of its own".into()),
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                Some("run as root, or name a directory of your own with `--state-dir`".into())
            }
            Self::File { .. } | Self::Write { .. } => None,
        }
    }

    /// Returns a function that makes an error of what the system says.
    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
