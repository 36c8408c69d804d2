//! Files that are not there yet: made beside their target, and gone again when nothing comes of them.

use super::dir::Dir;
use super::resolve::Place;
use crate::executor::failure::{Answer, at};
use crate::executor::name::{is_temp, name_for};
use crate::windows::{Reader, new_file};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Entries of a folder that are looked at for leftovers of dead runs: a folder of a million files is not worth it.
const STALE_ENTRIES_MAX: usize = 10_000;

/// A new file beside its target; removed when dropped before [`Temp::placed`].
///
/// It is locked as long as it is open, so that another run can tell a leftover from a file that is being written.
#[derive(Debug)]
pub(crate) struct Temp {
    file: Option<File>,
    path: PathBuf,
    is_placed: bool,
}

impl Temp {
    /// Makes an empty file for `place`.
    pub(crate) fn create(place: &Place, reader: Reader) -> Answer<Self> {
        loop {
            let path = place.dir.path.join(name_for(place.path.name().as_bytes()));
            let file = match new_file(&path, reader) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                other => other.map_err(at("make a file beside", &place.path))?,
            };
            return Ok(Self { file: Some(file), path, is_placed: false });
        }
    }

    /// Returns the file while it is written.
    pub(crate) fn file(&self) -> std::io::Result<&File> {
        self.file.as_ref().ok_or_else(|| ErrorKind::BrokenPipe.into())
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes what was written durable, and closes the file: a file that is open to us moves nowhere.
    pub(crate) fn finish(&mut self) -> std::io::Result<()> {
        self.file.take().map_or(Ok(()), |file| file.sync_all())
    }

    /// Says that the file has found its place.
    pub(crate) fn placed(mut self) {
        self.is_placed = true;
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        drop(self.file.take());
        if !self.is_placed {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes what runs that died have left in a folder: what another one is writing is open, and cannot be opened alone.
pub(crate) fn remove_stale(dir: &Dir) {
    use std::os::windows::fs::OpenOptionsExt;
    let Ok(entries) = std::fs::read_dir(&dir.path) else { return };
    for entry in entries.take(STALE_ENTRIES_MAX).flatten() {
        if !is_temp(entry.file_name().as_encoded_bytes()) || !entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
            continue;
        }
        if File::options().read(true).share_mode(0).open(entry.path()).is_ok() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
