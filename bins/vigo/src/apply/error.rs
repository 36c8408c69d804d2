//! Why nothing was converged.

use crate::state::StateError;
use std::path::PathBuf;
use vigo_core::diagnostic::{Diagnostic, tidy};
use vigo_core::source::Sources;

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
    #[error("cannot read `{path}`: {why}")]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: String,
        /// What to do.
        help: Option<String>,
    },
    /// `--only` names nothing of this host's policy.
    #[error("`--only {word}` names no resource and no crate of this host")]
    UnknownOnly {
        /// The word.
        word: String,
        /// The nearest name.
        near: Option<String>,
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
    /// The machine's own name is not known.
    #[error("this machine's name cannot be found out: {0}")]
    Hostname(String),
    /// `--root` is no directory.
    #[error("`--root {path}`: {why}")]
    Root {
        /// The directory.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The executor cannot start.
    #[error("the executor cannot start: {0}")]
    Executor(String),
    /// The state directory cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

impl ApplyError {
    /// Returns the error of a tree, each diagnostic once.
    pub(super) fn invalid(sources: Sources, diagnostics: Vec<Diagnostic>) -> Self {
        Self::Invalid { sources: Box::new(sources), diagnostics: tidy(diagnostics) }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable { help, .. } => help.clone(),
            Self::UnknownOnly { near, .. } => near.as_ref().map(|n| format!("did you mean `{n}`?")),
            Self::Secrets { help, .. } => Some(help.clone()),
            Self::Hostname(_) => Some("say which policy to take with `--hostname NAME`".into()),
            Self::Root { .. } => Some("make the directory first; an empty one is fine".into()),
            Self::State(StateError::Locked { .. }) => {
                Some("wait until it has ended, or take another `--state-dir`".into())
            }
            Self::State(_) => Some("name a directory that can be written with `--state-dir DIR`".into()),
            Self::Invalid { .. } | Self::Executor(_) => None,
        }
    }
}
