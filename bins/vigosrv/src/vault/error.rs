//! Why the vault does not do what it is asked. No error shows a value.

use std::io;
use std::path::{Path, PathBuf};
use vigo_core::secret;
use vigo_driver::system_text;

/// Why the vault does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The disk does not do what it is to.
    #[error("cannot {what} `{}`: {why}", .path.display())]
    Disk {
        /// What was to be done.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The master key is not there, and records are.
    #[error("the master key `{}` is missing, and {records} secrets are sealed by it", .path.display())]
    NoMasterKey {
        /// Where it should be.
        path: PathBuf,
        /// How many need it.
        records: usize,
    },
    /// The master key's file is none.
    #[error("`{}`: expected a master key of vigosrv's", .path.display())]
    NotMasterKey {
        /// The file.
        path: PathBuf,
    },
    /// Others may read it.
    #[error("`{}`: expected a mode without rights for group and others, found {mode:04o}", .path.display())]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// No reference can name it.
    #[error("`{}` is no path of a secret", .path.escape_debug())]
    NotPath {
        /// What was given.
        path: String,
    },
    /// There is no such secret.
    #[error("there is no secret `{}`", .path.escape_debug())]
    Unknown {
        /// Its path.
        path: String,
    },
    /// The master key that sealed it is lost.
    #[error("secret `{path}` is lost with the master key that sealed it")]
    Lost {
        /// Its path.
        path: String,
    },
    /// A new master key is for a vault whose key is lost, and this is none.
    #[error("the master key `{}` is not lost: {own} of {all} secrets are sealed by it", .path.display())]
    NotLost {
        /// Where it is.
        path: PathBuf,
        /// How many are sealed by it.
        own: usize,
        /// How many there are.
        all: usize,
    },
    /// A record cannot be made or opened.
    #[error("secret `{path}`: {why}")]
    Record {
        /// Its path.
        path: String,
        /// What is wrong.
        why: secret::VaultError,
    },
    /// Somebody else keeps it, and it is not had from there.
    #[error("secret `{path}`: {why}")]
    Outside {
        /// Its path.
        path: String,
        /// Why not; never with a value.
        why: String,
    },
    /// Secrets are changed where they are kept.
    #[error("secrets are kept by the backend `{backend}`, and only read here")]
    ReadOnly {
        /// The word of `server.yaml`.
        backend: &'static str,
    },
    /// The system has no random bytes.
    #[error("make a key: {why}")]
    Random {
        /// What the system said.
        why: String,
    },
}

impl VaultError {
    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Disk { .. } => Some("make room, or give the server the right to write there".into()),
            Self::NoMasterKey { .. } => Some(
                "restore `secrets/.master.key` from a backup; where it is lost for good, run `vigocli secrets init \
                 --new-key` and set the secrets again"
                    .into(),
            ),
            Self::NotMasterKey { .. } => Some(
                "restore it from a backup; where it is lost for good, take the file away, start the server and run \
                 `vigocli secrets init --new-key`"
                    .into(),
            ),
            Self::Lost { path } => Some(format!("set it again: `vigocli secrets set {path}`")),
            Self::NotLost { own, all, .. } if own == all => {
                Some("where somebody else may have it, run `vigocli secrets rekey`".into())
            }
            Self::NotLost { .. } => Some(
                "`vigocli secrets verify` names those that it does not open: restore them from a backup, or set them again"
                    .into(),
            ),
            Self::Readable { path, .. } => Some(format!("run `chmod 600 {}`", path.display())),
            Self::NotPath { .. } => Some(format!(
                "write letters, digits, `_`, `.`, `-` and `/`, such as `db/password`; {} bytes at most",
                super::record_file::PATH_BYTES_MAX
            )),
            Self::Unknown { .. } => Some("see `vigocli secrets list`".into()),
            Self::Record { why: secret::VaultError::TooLong, .. } => Some("ship large files by URL".into()),
            Self::Record { .. } => Some("restore the file from a backup, or set the secret again".into()),
            Self::Outside { .. } => Some("see `secrets` of server.yaml, and try `vigocli secrets verify`".into()),
            Self::ReadOnly { .. } => {
                Some("change them there: the server looks again every `secrets.poll_interval`".into())
            }
            Self::Random { .. } => None,
        }
    }

    /// Returns what is wrong, to who knows which secret it is about.
    pub fn why(&self) -> String {
        match self {
            Self::Outside { why, .. } => why.clone(),
            Self::Record { why, .. } => why.to_string(),
            Self::Lost { .. } => "it is lost with the master key that sealed it, and has to be set again".into(),
            other => other.to_string(),
        }
    }

    /// Returns whether the secret is not had for now: that says nothing against its being there.
    pub fn is_for_now(&self) -> bool {
        !matches!(self, Self::Unknown { .. } | Self::NotPath { .. })
    }

    pub(super) fn disk(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Disk { what, path: path.into(), why: system_text(error) }
    }
}
