//! Why the store did not do something.

use std::path::PathBuf;

/// An error of the store. One that a failed commit gives goes to all that were in it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite could not: a full disk, a broken file. Nothing was changed; the same again later may do.
    #[error("database `{}`: {why}", .path.display())]
    Database {
        /// Its file.
        path: PathBuf,
        /// What it said.
        why: String,
    },
    /// A later server wrote the database.
    #[error("database `{}` has version {found}, expected at most {known}", .path.display())]
    Newer {
        /// Its file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// It is the database of something else.
    #[error("`{}` is the database of another program", .path.display())]
    Foreign {
        /// Its file.
        path: PathBuf,
    },
    /// A file beside the database could not be read or written.
    #[error("file `{}`: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// What is stored is not what was written.
    #[error("database: {what} is damaged: {why}")]
    Damaged {
        /// The row or column.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A value that no honest sender has.
    #[error("{what}: expected {expected}, found `{found}`")]
    Invalid {
        /// What it is of.
        what: &'static str,
        /// What would do.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// The server is going down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Returns what to do about it, where there is something.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Newer { .. } => Some("start the newer vigosrv, or restore a backup of this one's".into()),
            Self::Foreign { path } => Some(format!("move `{}` away, or name another data directory", path.display())),
            Self::Database { .. } | Self::File { .. } => Some("make room on the disk and look at its health".into()),
            Self::Damaged { .. } => Some("restore a backup".into()),
            Self::Invalid { .. } | Self::Closed => None,
        }
    }
}
