//! Why nothing was converged.

use crate::state::StateError;
use std::path::PathBuf;
use vigo_core::diagnostic::Diagnostic;
use vigo_core::resolve::HostnameError;
use vigo_core::source::Sources;
use vigo_driver::Unreadable;

/// Wrong usage or configuration. Nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The tree has errors.
    #[error("the configuration is invalid")]
    Invalid {
        /// The files.
        sources: Box<Sources>,
        /// The errors, and the warnings beside them.
        diagnostics: Vec<Diagnostic>,
    },
    /// The tree could not be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// `--only` names nothing of this host's policy.
    #[error("`--only {word}` names no resource and no crate of this host")]
    UnknownOnly {
        /// The word.
        word: String,
        /// What to do.
        help: String,
    },
    /// The secrets file cannot be used.
    #[error("the secrets file `{path}` cannot be used: {why}")]
    Secrets {
        /// The file.
        path: PathBuf,
        /// Why; never a value.
        why: String,
        /// What to do.
        help: String,
    },
    /// The name that is to select the policy is none.
    #[error("hostname `{}`: {why}", .name.escape_debug())]
    Hostname {
        /// The name.
        name: String,
        /// Why not.
        why: HostnameError,
    },
    /// `--root` cannot be worked on.
    #[error("`--root {path}`: {why}")]
    Root {
        /// The directory.
        path: PathBuf,
        /// Why not.
        why: String,
        /// What to do.
        help: &'static str,
    },
    /// A path is relative to nothing.
    #[error("the current directory cannot be found out: {0}")]
    WorkingDirectory(String),
    /// The executor cannot start.
    #[error("the executor cannot start: {0}")]
    Executor(String),
    /// The state directory cannot be used.
    #[error("the state directory cannot be used: {0}")]
    State(#[from] StateError),
}

impl ApplyError {
    /// Returns the error of a tree.
    pub(super) fn invalid(sources: Sources, diagnostics: Vec<Diagnostic>) -> Self {
        Self::Invalid { sources: Box::new(sources), diagnostics }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable(error) => Some(error.help.clone()),
            Self::UnknownOnly { help, .. } | Self::Secrets { help, .. } => Some(help.clone()),
            Self::Hostname { .. } => Some("say whose policy to take with `--hostname NAME`".into()),
            Self::Root { help, .. } => Some((*help).into()),
            Self::WorkingDirectory(_) => Some("change to a directory that is there".into()),
            Self::State(error) => Some(error.help()),
            Self::Executor(_) => Some("run it as a user who may open the root directory".into()),
            Self::Invalid { .. } => None,
        }
    }
}
