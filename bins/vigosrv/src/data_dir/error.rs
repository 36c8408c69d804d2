//! Why the data directory cannot be used.

use super::Holder;
use crate::ca::CaError;
use std::path::{Path, PathBuf};
use vigo_core::bundle::KeySetError;

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("another {}{} is at work in `{}`", match .holder { Holder::Server => "vigosrv", Holder::Command => "command" },
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), .dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The process, where it said so.
        pid: Option<u32>,
        /// What it is.
        holder: Holder,
    },
    /// It is no server's.
    #[error("there is no server's data in `{}`", .dir.display())]
    NoServer {
        /// The directory.
        dir: PathBuf,
    },
    /// A key that others may read.
    #[error("key `{}`: expected a mode without rights for group and others, found {mode:04o}", .path.display())]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A directory in which others may put files of theirs in the place of the server's.
    #[error("directory `{}`: expected a mode without write rights for group and others, found {mode:04o}", .path.display())]
    Writable {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// There are things that need the keys, and no keys.
    #[error("`{}` is missing, though `{}` is there", .missing.display(), .there.display())]
    Missing {
        /// What should be there.
        missing: PathBuf,
        /// What needs it.
        there: PathBuf,
    },
    /// A key is not what was written.
    #[error("`{}`: {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The key set is not believed by the root beside it.
    #[error("`{}`: {error}", .path.display())]
    KeySet {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: KeySetError,
    },
    /// No certificate can be made or read.
    #[error("`{}`: {error}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: CaError,
    },
    /// It is to take the place of another, and has something of a server already.
    #[error("`{}` is there: this directory has a server's data", .there.display())]
    Taken {
        /// What is there.
        there: PathBuf,
    },
    /// The recovery kit is none.
    #[error("`{}`: {why}", .path.display())]
    Kit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; nothing of what is in it.
        why: String,
    },
    /// A key is being rotated already.
    #[error("a key is being rotated already")]
    Rotating,
    /// The system has no random bytes.
    #[error("make a key: {why}")]
    Random {
        /// What it said.
        why: String,
    },
    /// A file or folder could not be made, read or written.
    #[error("{what} `{}`: {why}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

impl DataDirError {
    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Locked { holder: Holder::Command, .. } => {
                "wait until it has ended, or name another directory with `--data-dir DIR`".into()
            }
            Self::Locked { holder: Holder::Server, .. } => {
                "stop it first, or name another directory with `--data-dir DIR`".into()
            }
            Self::NoServer { .. } => {
                "name the data directory with `--data-dir DIR`, or start vigosrv to make one".into()
            }
            Self::Readable { path, .. } => format!("chmod go= '{}'", path.display()),
            Self::Writable { path, .. } => format!("chmod go-w '{}'", path.display()),
            Self::Certificate { error: CaError::Name { .. }, .. } => {
                "mend `server.hostname` or `server.tls_sans` in server.yaml; without them the machine's name is taken"
                    .into()
            }
            Self::Missing { missing, .. } => {
                format!("restore `{}` from a backup; envoys believe no other keys", missing.display())
            }
            Self::Damaged { path, .. } | Self::KeySet { path, .. } | Self::Certificate { path, .. } => {
                format!("restore `{}` from a backup", path.display())
            }
            Self::Taken { .. } => "name an empty directory with `--data-dir DIR`, or move that away".into(),
            Self::Kit { .. } => "give the file that `vigocli keys export-root FILE` has written".into(),
            Self::Rotating => "see `vigocli keys show`".into(),
            Self::Random { .. } => "try again when the system is up".into(),
            Self::File { .. } => "run vigosrv as the owner of the directory, or name one with `--data-dir DIR`".into(),
        }
    }

    /// Returns a function that makes an error of what the system says.
    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |e| Self::File { what, path, why: e.to_string() }
    }
}
