//! Why there is no identity.

use crate::executor::system_text;
use crate::net::NetError;
use std::path::PathBuf;

/// Why the identity cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The machine was not enrolled.
    #[error("this machine belongs to no fleet: `{}` is not there", .0.display())]
    Missing(PathBuf),
    /// A file could not be read or written.
    #[error("{what} `{}`: {why}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Others can read a key.
    #[error("`{}` has mode {mode:04o}, expected 0600", .path.display())]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file does not hold what it should.
    #[error("`{}` is no {what}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Key(#[from] NetError),
    /// The system has no randomness.
    #[error("no key could be made: the system has no randomness")]
    Randomness,
}

impl IdentityError {
    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Missing(_) => "enrol it with `vigo bootstrap`".into(),
            Self::File { .. } => "run as root, or name a directory of your own with `--state-dir DIR`".into(),
            Self::Readable { path, .. } => {
                format!("run `chmod 600 {}`; if others have read it, enrol again", path.display())
            }
            Self::Broken { .. } => "restore it from a backup, or enrol the machine again".into(),
            Self::Key(_) | Self::Randomness => "try again".into(),
        }
    }

    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { what, path, why: system_text(error) }
    }
}
