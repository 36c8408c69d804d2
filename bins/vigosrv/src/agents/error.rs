//! Why a program is not handed out.

use std::path::{Path, PathBuf};
use vigo_core::bundle::ProgramError;

/// Why a program is not taken, or not handed out.
#[derive(Debug, thiserror::Error)]
pub enum AgentsError {
    /// It is no program of the agent.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// What was to be read from the other side did not come.
    #[error("read the program: {0}")]
    Read(std::io::Error),
    /// A file could not be made, read or written.
    #[error("{what} `{}`: {why}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
}

impl AgentsError {
    /// Returns what to do about it, where that is known.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Program(ProgramError::NoAgent) => {
                Some("name the program `vigo` of a release, or one that you have built")
            }
            Self::Program(ProgramError::UnknownTarget) => {
                Some("say what it runs on with `--target`, such as `linux-aarch64`, as `uname` has it there")
            }
            Self::Program(ProgramError::NoTarget { .. }) => {
                Some("write operating system and architecture in lower case, as `uname -s` and `uname -m` have them")
            }
            Self::File { .. } => Some("make room on the disk, and let vigosrv write there"),
            _ => None,
        }
    }

    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |why| Self::File { what, path, why }
    }
}
