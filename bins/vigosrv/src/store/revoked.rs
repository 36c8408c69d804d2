//! `tls/revoked`: which ids never come back, beside the database, so that a restored one cannot bring them.

use super::StoreError;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use vigo_core::id::EnvoyId;
use vigo_driver::disk;

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
        let file = disk::step(|| options.open(&self.path));
        // A line feed before them, too: the line before may be half of one.
        let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let written = file.and_then(|mut file| {
            disk::write(&mut file, format!("\n{lines}").as_bytes())?;
            disk::sync(&file)?;
            self.path.parent().map_or(Ok(()), disk::sync_dir)
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

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_driver::disk::each_step;

    #[test]
    fn ids_that_the_disk_does_not_take_are_there_or_not_and_those_before_stay() {
        let path = std::env::temp_dir().join(format!("vigo-revoked-{}", std::process::id()));
        let id = |byte| EnvoyId([byte; 16]);
        let steps = each_step(
            |_| {
                let _ = std::fs::remove_file(&path);
                let revoked = Revoked::open(&path).expect("it opens");
                revoked.add(id(1)).expect("it is added");
                revoked
            },
            |revoked| revoked.add_all(&[id(2), id(3)]),
            |case, _, _, done| {
                let opened = Revoked::open(&path).expect("it opens");
                assert!(opened.contains(id(1)), "{case}: what was there before");
                assert!(
                    done.is_err() || [2, 3].iter().all(|n| opened.contains(id(*n))),
                    "{case}: it was said to be there"
                );
                opened.add_all(&[id(2), id(3)]).expect("it is added");
                let mut all = Revoked::open(&path).expect("it opens").all();
                all.sort_unstable();
                assert_eq!(all, [id(1), id(2), id(3)], "{case}: the next time");
            },
        );
        std::fs::remove_file(&path).expect("it is there");
        assert_eq!(steps, 4);
    }
}
