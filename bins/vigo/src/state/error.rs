//! Why the state directory cannot be used.

use crate::executor::system_text;
use std::io::ErrorKind;
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
    #[error("{what} `{}`: {why}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The kind of failure.
        kind: ErrorKind,
        /// What the system said.
        why: String,
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
    pub fn help(&self) -> String {
        let help = match self {
            Self::Locked { .. } => "wait until it has ended, or give this run a `--state-dir` of its own",
            Self::File { kind: ErrorKind::PermissionDenied, .. } => {
                "run as root, or name a directory of your own with `--state-dir DIR`"
            }
            Self::File { kind: ErrorKind::IsADirectory, .. } => "move what is there out of the way",
            Self::File { .. } | Self::Write { .. } => "name a directory that can be written with `--state-dir DIR`",
        };
        help.into()
    }

    /// Returns a function that makes an error of what the system says.
    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { what, path, kind: error.kind(), why: system_text(error) }
    }
}
