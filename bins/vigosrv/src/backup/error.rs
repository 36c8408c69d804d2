//! Why a backup is not made or not restored.

use crate::config::ConfigError;
use crate::data_dir::{DataDirError, Holder};
use crate::store::StoreError;
use crate::vault::VaultError;
use std::io;
use std::path::{Path, PathBuf};
use vigo_core::backup::BackupError;
use vigo_core::backup::age::AgeError;
use vigo_driver::system_text;

/// Why a backup is not made or not restored.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The archive is not what it should be, or may not be restored here.
    #[error("backup `{}`: {error}", .file.display())]
    Backup {
        /// The archive.
        file: PathBuf,
        /// What is wrong.
        error: BackupError,
    },
    /// It cannot be unpacked.
    #[error("backup `{}` cannot be read: {why}", .file.display())]
    Unreadable {
        /// The archive.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// What is in it does not work.
    #[error("backup `{}`: the database in it is damaged: {why}", .file.display())]
    Database {
        /// The archive.
        file: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The name does not say how it is to be packed.
    #[error("expected a file whose name ends in `.tar.zst` or `.tar.gz`, found `{}`", .file.display())]
    Name {
        /// The name.
        file: PathBuf,
    },
    /// The name does not say whether it is encrypted.
    #[error("expected a file whose name {}, found `{}`", if *.is_encrypted { "ends in `.age`, as it is encrypted" } else { "does not end in `.age`, as nobody is named that it is encrypted for" }, .file.display())]
    AgeName {
        /// The name.
        file: PathBuf,
        /// Whether it is to be encrypted.
        is_encrypted: bool,
    },
    /// It is encrypted, and there is no key.
    #[error("backup `{}` is encrypted with age", .file.display())]
    Encrypted {
        /// The archive.
        file: PathBuf,
    },
    /// It cannot be decrypted, or what should have keys in it has none.
    #[error("`{}`: {error}", .file.display())]
    Age {
        /// The archive, or the file of keys.
        file: PathBuf,
        /// What is wrong.
        error: AgeError,
    },
    /// There is such a file.
    #[error("`{}` is there already", .file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The folder for scheduled backups is somebody else's.
    #[error("`{}` has the backups of fleet {fleet}", .folder.display())]
    OtherFolder {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        fleet: String,
    },
    /// One is being made.
    #[error("a backup is being made already")]
    Busy,
    /// A part of the target lies on another disk.
    #[error("`{}` lies on another file system than the data directory, so that it cannot be replaced in one step", .path.display())]
    OtherDisk {
        /// The part.
        path: PathBuf,
    },
    /// A file or folder could not be made, read or written.
    #[error("cannot {what} `{}`: {why}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The server's database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The secrets in it.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A task of ours has panicked.
    #[error("the work was not finished")]
    Unfinished,
}

impl ArchiveError {
    /// Returns a stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Backup { error, .. } => error.code(),
            Self::Unreadable { .. } | Self::Database { .. } | Self::Config(_) => "not-valid",
            Self::Name { .. } | Self::AgeName { .. } => "invalid",
            Self::Encrypted { .. }
            | Self::Age { error: AgeError::NoMatch | AgeError::NoIdentity | AgeError::Identity { .. }, .. } => "locked",
            Self::Age { .. } => "not-valid",
            Self::Exists { .. } => "exists",
            Self::OtherFolder { .. } => "other-folder",
            Self::Busy => "busy",
            Self::OtherDisk { .. } => "other-disk",
            Self::DataDir(DataDirError::Locked { .. }) => "running",
            Self::File { .. } | Self::DataDir(_) | Self::Store(_) | Self::Vault(_) => "store",
            Self::Unfinished => "internal",
        }
    }

    /// Returns whether it is the archive that is wrong: neither its place nor whoever looks at it.
    pub fn is_of_archive(&self) -> bool {
        let is_changed =
            |error: &AgeError| matches!(error, AgeError::Header { .. } | AgeError::Changed | AgeError::Chunk { .. });
        match self {
            Self::Backup { .. } | Self::Unreadable { .. } | Self::Database { .. } | Self::Config(_) => true,
            Self::Age { error, .. } => is_changed(error),
            _ => false,
        }
    }

    /// Returns the root of the fleet that somebody has to recognize, where that is all that is wrong.
    pub fn unknown_root(&self) -> Option<&str> {
        match self {
            Self::Backup { error: BackupError::UnknownRoot { found }, .. } => Some(found),
            _ => None,
        }
    }

    /// Returns what to do about it, where that is known.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Backup { error, .. } => Some(error.help()),
            Self::Unreadable { .. } => Some("copy it again from where it was made, or take another backup".into()),
            Self::Database { .. } => Some("take another backup".into()),
            Self::Name { .. } => Some("name it `FILE.tar.zst`, which is smaller and faster, or `FILE.tar.gz`".into()),
            Self::AgeName { is_encrypted: true, .. } => Some("name it `FILE.tar.zst.age`".into()),
            Self::AgeName { .. } => Some("take `.age` from its name, or name a recipient with `--encrypt-to`".into()),
            Self::Encrypted { .. } => {
                Some("give the file of the key that it is encrypted for with `--identity FILE`".into())
            }
            Self::Age { error, .. } => Some(error.help().into()),
            Self::Exists { .. } => Some("name a file that is not there yet: no backup is written over".into()),
            Self::OtherFolder { .. } => Some("give each fleet a folder of its own, in `backup.directory`".into()),
            Self::Busy => Some("wait until it is done".into()),
            Self::OtherDisk { .. } => Some(
                "restore to a directory on one file system with `--target DIR`, and copy the part from there".into(),
            ),
            Self::File { .. } => {
                Some("name a folder that vigosrv may write to, and look whether the disk has room".into())
            }
            Self::DataDir(DataDirError::Locked { holder: Holder::Server, .. }) => {
                Some("stop vigosrv first, or restore beside it with `--target DIR`".into())
            }
            Self::DataDir(error) => Some(error.help()),
            Self::Store(error) => error.help(),
            Self::Config(error) => error.help(),
            Self::Vault(error) => error.help(),
            Self::Unfinished => Some("look into the log".into()),
        }
    }

    /// Returns a function that makes an error of what the system says.
    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |e| Self::File { what, path, why: system_text(e) }
    }

    /// Returns a function that makes an error of what is wrong with an archive.
    pub(super) fn of(file: &Path) -> impl Fn(BackupError) -> Self + use<> {
        let file = file.to_owned();
        move |error| Self::Backup { file: file.clone(), error }
    }
}
