//! Why a backup is not taken.

use crate::bundle::{BundleError, KeySetError};
use crate::limits;
use alloc::format;
use alloc::string::String;
use thiserror::Error;

/// Why a backup is not believed, or not restored here.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A later program wrote it, in a format that this one does not know.
    #[error("the backup has format {found}, expected {known}: it was made by vigosrv {program}")]
    NewerFormat {
        /// Its format.
        found: u32,
        /// The one that is known here.
        known: u32,
        /// The program that made it.
        program: String,
    },
    /// A later program wrote its database.
    #[error(
        "the database in the backup has version {found}, expected at most {known}: it was made by vigosrv {program}"
    )]
    NewerSchema {
        /// The version of its tables.
        found: u32,
        /// The newest that is known here.
        known: u32,
        /// The program that made it.
        program: String,
    },
    /// It is no manifest.
    #[error("the manifest cannot be read: {why}")]
    Manifest {
        /// What is wrong with it.
        why: String,
    },
    /// It is not signed by the key set in it.
    #[error("the manifest is not signed by the fleet that it names: {0}")]
    Unsigned(#[from] BundleError),
    /// The key set in it is not of the root in it.
    #[error("the key set in the manifest: {0}")]
    KeySet(#[from] KeySetError),
    /// It is of another fleet than the one that is expected.
    #[error("expected a backup of the fleet with the root key {expected}, found one of {found}")]
    OtherRoot {
        /// The root's public half that is expected, hexadecimal.
        expected: String,
        /// The one in it.
        found: String,
    },
    /// Nothing on this machine says of which fleet it should be.
    #[error(
        "the backup is of the fleet with the root key {found}, of which nothing on this machine says that it is the right one"
    )]
    UnknownRoot {
        /// The root's public half, hexadecimal.
        found: String,
    },
    /// What was given as the root is none.
    #[error("expected the root key of a fleet (64 hexadecimal digits, or the file of one), found `{found}`")]
    NoRoot {
        /// The beginning of what was given.
        found: String,
    },
    /// There is no such part.
    #[error("expected one of {}, found `{found}`", parts())]
    NoSuchPart {
        /// What was given.
        found: String,
    },
    /// A path that leads elsewhere.
    #[error("`{}` in the backup: {why}", .path.escape_debug())]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A member is not the one that the manifest has at this place.
    #[error("`{}` in the backup: {why}", .path.escape_debug())]
    Member {
        /// Its path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What is in a file is not what was backed up.
    #[error("`{}` in the backup is damaged: it is not what the manifest says", .path.escape_debug())]
    Content {
        /// Its path.
        path: String,
    },
    /// The archive ends too early.
    #[error("the backup ends before `{}`: it was cut short", .path.escape_debug())]
    Cut {
        /// What is missing first.
        path: String,
    },
    /// It does not have what is to be restored.
    #[error("the backup has no {part}")]
    NoPart {
        /// What it lacks.
        part: &'static str,
    },
    /// There is something in the place.
    #[error("{what} is there already")]
    NotEmpty {
        /// What is there.
        what: String,
    },
    /// A database alone needs the keys of its fleet.
    #[error("there are no keys of a fleet, which a database alone does not bring")]
    NoServer,
    /// The disk is too small.
    #[error("the disk has {free} bytes left, and {needed} are needed")]
    NoRoom {
        /// Bytes that are left.
        free: u64,
        /// Bytes that it takes.
        needed: u64,
    },
}

fn parts() -> String {
    use super::Part;
    Part::ALL.iter().fold(String::new(), |text, part| match text.is_empty() {
        true => format!("`{part}`"),
        false => format!("{text}, `{part}`"),
    })
}

impl BackupError {
    /// Returns a stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NewerFormat { .. } | Self::NewerSchema { .. } => "newer",
            Self::OtherRoot { .. } => "other-root",
            Self::UnknownRoot { .. } => "unknown-root",
            Self::NoRoot { .. } | Self::NoSuchPart { .. } => "invalid",
            Self::NoPart { .. } => "no-part",
            Self::NotEmpty { .. } => "not-empty",
            Self::NoServer => "no-server",
            Self::NoRoom { .. } => "no-room",
            Self::Manifest { .. }
            | Self::Unsigned(_)
            | Self::KeySet(_)
            | Self::Path { .. }
            | Self::Member { .. }
            | Self::Content { .. }
            | Self::Cut { .. } => "not-valid",
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NewerFormat { program, .. } | Self::NewerSchema { program, .. } => {
                format!("use vigosrv {program} or a later one")
            }
            Self::OtherRoot { .. } => {
                "take the backup of this fleet; to replace this server by one of another fleet, name that fleet's root key \
                 with `--expect-root` and an empty directory with `--target`"
                    .into()
            }
            Self::UnknownRoot { found } => format!(
                "compare it with the recovery kit, or with `root key` of `vigocli server status` as it was; if it is the \
                 same, say so with `--expect-root {found}`"
            ),
            Self::NoRoot { .. } => {
                "take `root key` of `vigocli server status`, or the file that `vigocli keys export-root` made".into()
            }
            Self::NoSuchPart { .. } => "name parts with commas between them, such as `--only stacks,secrets`".into(),
            Self::NoPart { .. } => "leave it out, or take another backup".into(),
            Self::NotEmpty { .. } => {
                "name an empty directory with `--target DIR`; `--force` replaces what is there, and keeps it beside".into()
            }
            Self::NoServer => "restore the whole backup, without `--db-only` and `--only`".into(),
            Self::NoRoom { .. } => "make room, or name a directory on another disk with `--target DIR`".into(),
            Self::Cut { .. } => "copy it again from where it was made, or take another backup".into(),
            Self::Manifest { .. }
            | Self::Unsigned(_)
            | Self::KeySet(_)
            | Self::Path { .. }
            | Self::Member { .. }
            | Self::Content { .. } => {
                "take another backup: this one is damaged, or nobody's of this fleet".into()
            }
        }
    }

    /// Returns an error of a path, which is cut to what can be shown.
    pub(super) fn member(path: &str, why: &'static str) -> Self {
        Self::Member { path: path.chars().take(limits::BACKUP_PATH_BYTES_MAX).collect(), why }
    }
}
