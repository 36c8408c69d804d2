//! Why the store did not do something.

use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

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
    /// The file is not what SQLite wrote: bytes of it have changed, or are missing.
    #[error("database `{}` is damaged: {why}", .path.display())]
    Corrupt {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
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
        /// The program that brought it to its version, as it wrote that down.
        program: String,
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
    /// Returns what an error of SQLite says of the database at `path`.
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::Error;
        let (path, why) = (path.to_owned(), error.to_string());
        match (error.sqlite_error_code(), error) {
            (Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase), _) => Self::Corrupt { path, why },
            // The tables are strict: none of ours has such a value.
            (
                _,
                Error::InvalidColumnType(..)
                | Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::Utf8Error(..),
            ) => Self::Damaged { what: "a row", why },
            _ => Self::Database { path, why },
        }
    }

    /// Returns what to do about it, where there is something.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Newer { program, .. } => {
                Some(format!("use vigosrv {} or later, or restore a backup that this one made", program.escape_debug()))
            }
            Self::Foreign { path } => Some(format!("move `{}` away, or name another data directory", path.display())),
            Self::Database { .. } | Self::File { .. } => Some("make room on the disk and look at its health".into()),
            Self::Corrupt { .. } | Self::Damaged { .. } => {
                Some("restore a backup: `vigocli backup restore FILE --db-only --force`".into())
            }
            Self::Invalid { .. } | Self::Closed => None,
        }
    }
}
