//! Why nothing was published, or what is published cannot be read.

use std::io;
use std::path::{Path, PathBuf};
use vigo_core::bundle::BundleError;
use vigo_core::diagnostic::Diagnostic;
use vigo_core::resolve::ClassTableError;
use vigo_core::source::Sources;
use vigo_driver::{Unreadable, system_text};

/// Why nothing was published, or what is published cannot be read. The policy before it stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// `stacks/` cannot be read.
    #[error(transparent)]
    Tree(#[from] Unreadable),
    /// The tree has errors.
    #[error("the configuration is invalid")]
    Invalid {
        /// The files.
        sources: Box<Sources>,
        /// The errors, and the warnings beside them.
        diagnostics: Vec<Diagnostic>,
    },
    /// A policy does not fit into a bundle.
    #[error("class `{class}`: {error}")]
    Bundle {
        /// The class.
        class: String,
        /// Why not.
        error: BundleError,
    },
    /// The match blocks do not fit into a table.
    #[error("the match blocks: {0}")]
    Table(#[from] ClassTableError),
    /// The disk does not do what it is to.
    #[error("cannot {what} `{path}`: {why}")]
    Disk {
        /// What was to be done.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// What is kept is not what was published.
    #[error("publish {id} is damaged: `{path}`: {why}")]
    Damaged {
        /// The publish.
        id: u64,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such publish.
    #[error("publish {id} is not in the history")]
    Unknown {
        /// The number.
        id: u64,
    },
}

impl PublishError {
    /// Returns what to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::Tree(error) => Some(&error.help),
            Self::Disk { .. } => Some("make room, or give the server the right to write there"),
            Self::Damaged { .. } => Some("restore a backup, or remove `.live` and publish again"),
            Self::Unknown { .. } => Some("see `vigocli config history`"),
            Self::Bundle { .. } | Self::Table(_) => Some("make the policy smaller: large files can be fetched by URL"),
            Self::Invalid { .. } => None,
        }
    }

    pub(super) fn disk(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Disk { what, path: path.into(), why: system_text(error) }
    }
}
