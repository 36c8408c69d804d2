//! What is written but may not be on disk yet.
//!
//! A file that takes another's place is on disk before it does, and its folder after: power that fails in between leaves
//! the old or the new one. Where there was nothing, there is nothing to lose: power that fails early leaves a new file
//! missing, empty or whole, and the next run sees which. So new files wait for the end of the run, where many cost no
//! more than one. A run that has ended is on disk.

use super::kernel;
use super::open::openat;
use super::read::READ;
use super::resolve::{Dir, Place};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Files and folders that are synced one by one; of more, their file systems are synced whole.
const SINGLE_MAX: usize = 32;

/// Files and folders that wait for the end of the run.
#[derive(Debug, Default)]
pub(crate) struct Unsynced {
    files: Vec<OwnedFd>,
    folders: BTreeMap<String, Arc<Dir>>,
    /// A folder of each file system, by device.
    systems: BTreeMap<u64, Arc<Dir>>,
    is_many: bool,
}

impl Unsynced {
    /// Notes a new file, and that its folder has a new name in it.
    ///
    /// It is not kept open as it was `written`: no kernel runs as a program what somebody may still write to, and none
    /// lets another lock it.
    pub(crate) fn file(&mut self, written: OwnedFd, place: &Place) -> Result<(), Errno> {
        self.folder(&place.dir);
        if self.is_many {
            return Ok(());
        }
        match openat(&place.dir.fd, place.name(), READ | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(file) => {
                self.files.push(file);
                self.bound();
                Ok(())
            }
            // Its owner may not read it.
            Err(_) => unless_impossible(kernel::fsync(&written)),
        }
    }

    /// Notes that names in a folder have changed.
    pub(crate) fn folder(&mut self, dir: &Arc<Dir>) {
        self.systems.entry(dir.device).or_insert_with(|| dir.clone());
        if !self.is_many && !self.folders.contains_key(&dir.path) {
            self.folders.insert(dir.path.clone(), dir.clone());
            self.bound();
        }
    }

    /// Waits until all is on disk.
    pub(crate) fn sync(&mut self) -> Result<(), Errno> {
        let all = std::mem::take(self);
        if all.is_many {
            return all.systems.values().try_for_each(|dir| unless_impossible(kernel::sync_system(dir)));
        }
        all.files.iter().try_for_each(|file| unless_impossible(kernel::fsync(file)))?;
        all.folders.values().try_for_each(|dir| unless_impossible(kernel::fsync(&dir.fd)))
    }

    fn bound(&mut self) {
        if self.files.len() + self.folders.len() > SINGLE_MAX {
            self.is_many = true;
            self.files.clear();
            self.folders.clear();
        }
    }
}

/// A folder that could only be opened as a path, or a file system without such a thing, cannot be synced.
pub(crate) fn unless_impossible(synced: Result<(), Errno>) -> Result<(), Errno> {
    match synced {
        Err(Errno::BADF | Errno::INVAL | Errno::NOTSUP) => Ok(()),
        other => other,
    }
}
