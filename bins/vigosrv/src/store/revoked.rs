//! `tls/revoked`: which ids never come back, beside the database, so that a restored one cannot bring them.

use super::StoreError;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use vigo_core::id::EnvoyId;

/// The revoked ids: a file with one in each line, only ever appended to.
#[derive(Debug)]
pub(super) struct Revoked {
    path: PathBuf,
    ids: Mutex<HashSet<EnvoyId>>,
}

impl Revoked {
    /// Reads the file; one that is not there is empty. A line that is no id is half a line that the power cut: what it
    /// told of was never acknowledged.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut text = String::new();
        match File::open(path).and_then(|mut file| file.read_to_string(&mut text)) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(error(path)(e)),
            _ => {}
        }
        let ids = text.lines().filter_map(|line| line.parse().ok()).collect();
        Ok(Self { path: path.to_owned(), ids: Mutex::new(ids) })
    }

    /// Appends an id; it is on the disk when this returns.
    pub(super) fn add(&self, id: EnvoyId) -> Result<(), StoreError> {
        self.add_all(&[id])
    }

    /// Appends ids; they are on the disk when this returns.
    pub(super) fn add_all(&self, ids: &[EnvoyId]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        let file = options.open(&self.path);
        // A line feed before them, too: the line before may be half of one.
        let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let written = file.and_then(|mut file| {
            file.write_all(format!("\n{lines}").as_bytes())?;
            file.sync_all()?;
            self.path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
        });
        written.map_err(error(&self.path))?;
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
        Ok(())
    }

    pub(super) fn contains(&self, id: EnvoyId) -> bool {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    pub(super) fn all(&self) -> Vec<EnvoyId> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

fn error(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    |e| StoreError::File { path: path.to_owned(), why: e.to_string() }
}
