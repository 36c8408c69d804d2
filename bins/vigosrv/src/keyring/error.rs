//! Why keys stay as they are.

use crate::data_dir::DataDirError;
use crate::publish::PublishError;
use crate::store::StoreError;
use vigo_core::bundle::KeyKind;

/// Why keys stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Their folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Nothing is done that is not audited.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is published cannot be signed anew.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The root is not on this machine, and nobody has brought it.
    #[error("the fleet's root key is not on this machine")]
    NoRoot,
    /// What was brought is not the fleet's root.
    #[error("expected the root key of fleet `{expected}`, found {found}")]
    OtherRoot {
        /// The fleet.
        expected: String,
        /// Of which fleet it is, or that it is none.
        found: String,
    },
    /// Another rotation is under way.
    #[error("the {0} is being rotated already")]
    Rotating(KeyKind),
    /// A task has panicked.
    #[error("it is not known what came of it: {0}")]
    Unknown(#[from] tokio::task::JoinError),
}

impl KeyringError {
    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::DataDir(error) => Some(error.help()),
            Self::Store(error) => error.help(),
            Self::Publish(error) => error.help().map(Into::into),
            Self::NoRoot => Some("name the file that `vigocli keys export-root` wrote with `--root-key FILE`".into()),
            Self::OtherRoot { .. } => Some("name the file that `vigocli keys export-root` wrote for this fleet".into()),
            Self::Rotating(kind) => Some(format!(
                "see `vigocli keys show` for whom it waits; `vigocli keys rotate {} --force` does not wait",
                kind.word()
            )),
            Self::Unknown(_) => Some("see `vigocli keys show`".into()),
        }
    }
}
