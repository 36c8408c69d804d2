//! `tls/restored`, `tls/stamp` and `tls/opened`: what says beside the database whether it went back.

use super::StoreError;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use vigo_core::server::{AuditStamp, RestoreMark};
use vigo_core::time::Timestamp;

/// The files in the folder of the keys.
#[derive(Debug)]
pub(super) struct Beside {
    mark: PathBuf,
    stamp: PathBuf,
    /// Which file the database was when it was opened last.
    opened: PathBuf,
    /// What the stamp has, as far as this process has read or written it.
    stamped: Option<AuditStamp>,
}

impl Beside {
    /// Returns those in the folder in which `revoked` lies.
    pub(super) fn new(revoked: &Path) -> Self {
        let [mark, stamp, opened] = ["restored", "stamp", "opened"].map(|name| revoked.with_file_name(name));
        Self { mark, stamp, opened, stamped: None }
    }

    /// Reads the mark of a restore. One that cannot be understood is one all the same: of a time that is not known.
    pub(super) fn mark(&self) -> Result<Option<RestoreMark>, StoreError> {
        let Some(text) = read(&self.mark)? else { return Ok(None) };
        let unknown = || {
            tracing::warn!("`{}` is not understood: that the database was restored counts", self.mark.display());
            RestoreMark { created: Timestamp::default(), schema: 0, audit: 0 }
        };
        Ok(Some(RestoreMark::parse(&text).unwrap_or_else(unknown)))
    }

    /// Reads the stamp. What cannot be understood says nothing of the database.
    pub(super) fn stamp(&mut self) -> Result<Option<AuditStamp>, StoreError> {
        let Some(text) = read(&self.stamp)? else { return Ok(None) };
        self.stamped = AuditStamp::parse(&text);
        if self.stamped.is_none() {
            tracing::warn!("`{}` is not understood, and is written anew", self.stamp.display());
        }
        Ok(self.stamped)
    }

    /// Writes the stamp, unless it says the same but for the time; it is on the disk when this returns.
    pub(super) fn write(&mut self, stamp: AuditStamp) -> Result<(), StoreError> {
        if self.stamped.is_some_and(|old| (old.id, old.hash) == (stamp.id, stamp.hash)) {
            return Ok(());
        }
        replace(&self.stamp, &stamp.text())?;
        self.stamped = Some(stamp);
        Ok(())
    }

    /// Returns whether the database is another file than the one that was opened last, as far as that is known.
    pub(super) fn is_other(&self, database: &Path) -> Result<bool, StoreError> {
        let noted = read(&self.opened)?;
        Ok(noted.is_some_and(|noted| which(database).is_ok_and(|is| is != noted)))
    }

    /// Notes which file the database is.
    pub(super) fn note_file(&self, database: &Path) -> Result<(), StoreError> {
        let is = which(database).map_err(error(database))?;
        if read(&self.opened)?.as_ref() == Some(&is) {
            return Ok(());
        }
        replace(&self.opened, &is)
    }

    /// Takes the mark away: what it asks for is done.
    pub(super) fn clear_mark(&self) -> Result<(), StoreError> {
        match fs::remove_file(&self.mark) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
            done => done.and_then(|()| sync(&self.mark)).map_err(error(&self.mark)),
        }
    }
}

/// Returns what tells a file from others that were in its place, and stays while it is written to.
fn which(path: &Path) -> std::io::Result<String> {
    let meta = fs::metadata(path)?;
    // Numbers are given again; not every file system knows when a file was made.
    let made = meta.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Ok(format!("{} {}\n", meta.ino(), made.as_nanos()))
}

/// Puts a text in the place of a file; it is on the disk when this returns.
fn replace(path: &Path, text: &str) -> Result<(), StoreError> {
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(&fresh).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        sync(path)
    });
    written.map_err(error(path))
}

/// Makes the name of a file outlast a power cut.
fn sync(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Returns the text of a file, if it is there. More than a line is none of ours.
fn read(path: &Path) -> Result<Option<String>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8(bytes).unwrap_or_default())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(error(path)(e)),
    }
}

fn error(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    |e| StoreError::File { path: path.to_owned(), why: e.to_string() }
}
