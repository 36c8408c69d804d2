//! What is known of the backups in a folder: it lies beside them, so that it goes back with no restore.

use super::ArchiveError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use vigo_core::backup::{Kept, Listed, Verdict, scheduled_at};
use vigo_core::time::Timestamp;

/// The name of its file.
pub(super) const BOOK: &str = "backups.json";

/// Bytes of it: some hundred for each of many backups.
const BOOK_BYTES_MAX: u64 = 4 << 20;

/// The format that is written.
const FORMAT: u32 = 1;

/// What is known of the backups in a folder. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Book {
    format: u32,
    /// Whose backups they are.
    pub(super) fleet: String,
    /// How often making or looking at one has failed since it last went well.
    #[serde(default)]
    pub(super) failures: u32,
    /// When it failed first and last, of these, and why it did last.
    #[serde(default)]
    pub(super) failing_since: Option<i64>,
    #[serde(default)]
    pub(super) failed_at: Option<i64>,
    #[serde(default)]
    pub(super) problem: Option<String>,
    /// What to do about it.
    #[serde(default)]
    pub(super) help: Option<String>,
    /// How often it has failed, ever.
    #[serde(default)]
    pub(super) failed_total: u64,
    /// The backups, by name.
    #[serde(default)]
    pub(super) backups: BTreeMap<String, Noted>,
}

/// What is known of a backup.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Noted {
    /// When it was last looked at as a whole, and was good.
    #[serde(default)]
    pub(super) verified_at: Option<i64>,
    /// When it was found not to be good, and why.
    #[serde(default)]
    pub(super) bad_at: Option<i64>,
    #[serde(default)]
    pub(super) bad: Option<String>,
}

impl Book {
    /// Returns an empty one.
    pub(super) fn new(fleet: &str) -> Self {
        Self { format: FORMAT, fleet: fleet.to_owned(), ..Self::default() }
    }

    /// Reads that of a folder; an empty one where it is not there or cannot be understood, which costs no more than a backup.
    ///
    /// # Errors
    /// [`ArchiveError::File`] where the folder cannot be read, [`ArchiveError::OtherFolder`] where it is another fleet's.
    pub(super) fn load(folder: &Path, fleet: &str) -> Result<Self, ArchiveError> {
        let path = folder.join(BOOK);
        let mut text = String::new();
        match File::open(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                // The folder itself has to be there: a disk that is not mounted is no folder to write to.
                fs::read_dir(folder).map_err(ArchiveError::file("list", folder))?;
                return Ok(Self::new(fleet));
            }
            file => {
                let file = file.map_err(ArchiveError::file("read", &path))?;
                file.take(BOOK_BYTES_MAX).read_to_string(&mut text).map_err(ArchiveError::file("read", &path))?;
            }
        }
        match serde_json::from_str::<Self>(&text) {
            Ok(book) if book.fleet != fleet => Err(ArchiveError::OtherFolder {
                folder: folder.to_owned(),
                fleet: book.fleet.chars().take(64).collect(),
            }),
            Ok(book) if book.format == FORMAT => Ok(book),
            _ => {
                tracing::warn!("`{}` is not understood: what it said of the backups is lost", path.display());
                Ok(Self::new(fleet))
            }
        }
    }

    /// Writes it; it is on the disk when this returns.
    pub(super) fn save(&self, folder: &Path) -> Result<(), ArchiveError> {
        let (path, fresh) = (folder.join(BOOK), folder.join(format!(".{BOOK}.new")));
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let mut options = OpenOptions::new();
        let written = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        let written = written.and_then(|()| fs::rename(&fresh, &path)).and_then(|()| File::open(folder)?.sync_all());
        written.map_err(ArchiveError::file("write", &path))
    }

    /// Forgets the backups that are not in the folder any more, and returns what lies in it.
    pub(super) fn compare(&mut self, folder: &Path) -> Result<Vec<Listed>, ArchiveError> {
        let failed = || ArchiveError::file("list", folder);
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if let Some(name) = entry.file_name().to_str().filter(|name| scheduled_at(name, &self.fleet).is_some()) {
                found.push(Listed { name: name.to_owned(), verdict: self.verdict(name) });
            }
        }
        self.backups.retain(|name, _| found.iter().any(|listed| listed.name == *name));
        found.sort_unstable_by(|a, b| b.name.cmp(&a.name));
        Ok(found)
    }

    fn verdict(&self, name: &str) -> Verdict {
        match self.backups.get(name) {
            None => Verdict::Unknown,
            Some(noted) if noted.bad.is_some() => Verdict::Bad,
            Some(_) => Verdict::Good,
        }
    }

    /// Returns the newest one that is good, as far as is known.
    pub(super) fn newest_good(&self) -> Option<(&str, &Noted)> {
        let good = self.backups.iter().filter(|(_, noted)| noted.bad.is_none());
        // The names have the time in them.
        good.map(|(name, noted)| (&**name, noted)).next_back()
    }

    /// Returns the newest of which it is known whether it is good, if it is not.
    pub(super) fn newest_bad(&self) -> Option<(&str, &Noted)> {
        let known = self.backups.iter().filter(|(_, noted)| noted.bad.is_some() || noted.verified_at.is_some());
        known.map(|(name, noted)| (&**name, noted)).next_back().filter(|(_, noted)| noted.bad.is_some())
    }

    /// Returns what the decisions need.
    pub(super) fn kept(&self) -> Kept {
        let newest = self.newest_good();
        let time = |ms: Option<i64>| ms.map(Timestamp::from_epoch_ms);
        Kept {
            last_good: newest.and_then(|(name, _)| scheduled_at(name, &self.fleet)),
            last_verified: newest.and_then(|(_, noted)| time(noted.verified_at)),
            failures: self.failures,
            failed_at: time(self.failed_at),
            failing_since: time(self.failing_since),
        }
    }

    /// Takes note that it has failed.
    pub(super) fn failed(&mut self, error: &ArchiveError, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.failed_total = self.failed_total.saturating_add(1);
        self.failed_at = Some(now.epoch_ms());
        self.failing_since.get_or_insert(now.epoch_ms());
        self.problem = Some(error.to_string());
        self.help = error.help();
    }

    /// Takes note that it went well.
    pub(super) fn went_well(&mut self) {
        (self.failures, self.failing_since, self.failed_at) = (0, None, None);
        (self.problem, self.help) = (None, None);
    }
}
