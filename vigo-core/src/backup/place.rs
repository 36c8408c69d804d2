//! What a file of a backup is a part of; and which paths are none.

use super::BackupError;
use crate::limits;
use core::fmt;
use core::str::FromStr;

/// A part of a server that is backed up, and can be restored by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// `server.yaml`.
    Config,
    /// The fleet's keys.
    Tls,
    /// The vault, with its master key.
    Secrets,
    /// The policy as it is edited.
    Stacks,
    /// What was published, and which of it is live.
    History,
    /// The database.
    Database,
    /// The agent's programs, and other large files.
    Blobs,
}

/// Where the ids stand that never come back; it is a part of the keys.
pub const REVOKED_PATH: &str = "tls/revoked";

impl Part {
    /// All of them, in the order in which they stand in an archive.
    pub const ALL: [Self; 7] =
        [Self::Config, Self::Tls, Self::Secrets, Self::Stacks, Self::History, Self::Database, Self::Blobs];

    /// Returns the word for it on a command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Tls => "tls",
            Self::Secrets => "secrets",
            Self::Stacks => "stacks",
            Self::History => "history",
            Self::Database => "database",
            Self::Blobs => "blobs",
        }
    }

    /// Returns its number in a manifest.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::Config => 1,
            Self::Tls => 2,
            Self::Secrets => 3,
            Self::Stacks => 4,
            Self::History => 5,
            Self::Database => 6,
            Self::Blobs => 7,
        }
    }

    pub(super) fn of_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.number() == number)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Part {
    type Err = BackupError;

    fn from_str(text: &str) -> Result<Self, BackupError> {
        let found = Self::ALL.into_iter().find(|part| part.word() == text);
        found.ok_or_else(|| BackupError::NoSuchPart { found: text.chars().take(64).collect() })
    }
}

/// Returns what the file at `path` of an archive is a part of.
///
/// # Errors
/// [`BackupError::Path`] for a path that leads out of the place where it is unpacked, or to something that no server has.
pub fn part_of(path: &str) -> Result<Part, BackupError> {
    let refused = |why| BackupError::Path { path: path.chars().take(limits::BACKUP_PATH_BYTES_MAX).collect(), why };
    if path.is_empty() || path.len() > limits::BACKUP_PATH_BYTES_MAX {
        return Err(refused("it is empty or too long"));
    }
    if path.contains('\0') {
        return Err(refused("it has a zero byte"));
    }
    if path.starts_with('/') {
        return Err(refused("it is absolute"));
    }
    let mut steps = 0;
    for step in path.split('/') {
        match step {
            "" | "." => return Err(refused("it has an empty step")),
            ".." => return Err(refused("it leads upwards")),
            _ => steps += 1,
        }
    }
    if steps > limits::BACKUP_PATH_STEPS_MAX {
        return Err(refused("it is too deep"));
    }
    match path.split_once('/') {
        None if path == "server.yaml" => Ok(Part::Config),
        Some(("db", "vigo.db")) => Ok(Part::Database),
        Some(("tls", _)) => Ok(Part::Tls),
        Some(("secrets", _)) => Ok(Part::Secrets),
        Some(("stacks", _)) => Ok(Part::Stacks),
        Some(("history", _)) => Ok(Part::History),
        Some(("blobs", _)) => Ok(Part::Blobs),
        _ => Err(refused("no server has such a file")),
    }
}
