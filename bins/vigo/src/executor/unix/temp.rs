//! Files that are not there yet: made beside their target, 0600, and gone again when nothing comes of them.

use super::kernel;
use super::metadata::permissions;
use super::open::openat;
use super::resolve::{Dir, Place};
use crate::executor::failure::{Answer, at};
use crate::executor::name::{is_temp, name_for};
use rustix::fd::OwnedFd;
#[cfg(not(target_os = "illumos"))]
use rustix::fs::FileType;
use rustix::fs::{AtFlags, DirEntry, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

/// Entries of a folder that are looked at for leftovers of dead runs: a folder of a million files is not worth it.
const STALE_ENTRIES_MAX: usize = 10_000;

/// A new file beside its target; removed when dropped before [`Temp::keep`].
///
/// It is locked as long as it is open, so that another run can tell a leftover from a file that is being written.
#[derive(Debug)]
pub(crate) struct Temp {
    pub fd: OwnedFd,
    /// The new file's owner and mode, as the system chose them.
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
    entry: Entry,
}

/// A name in a folder; removed when dropped, unless it is kept.
#[derive(Debug)]
struct Entry {
    dir: Arc<Dir>,
    name: OsString,
    is_kept: bool,
}

impl Temp {
    /// Makes an empty file for `place`, 0600 unless others may read what is being written.
    pub(crate) fn create(place: &Place, mode: Mode) -> Answer<Self> {
        const FLAGS: OFlags =
            OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
        let dir = place.dir.clone();
        let what = || at("make a file beside", &place.path);
        loop {
            let name = name_for(&place.name);
            let fd = match openat(&dir.fd, &name, FLAGS, mode) {
                Err(Errno::EXIST) => continue,
                other => other.map_err(what())?,
            };
            // Locks are refused on some network file systems: then leftovers stay, nothing else.
            let _ = rustix::fs::flock(&fd, FlockOperation::LockExclusive);
            let stat = rustix::fs::fstat(&fd).map_err(what())?;
            // Another run took it for a leftover before it was locked.
            if stat.st_nlink > 0 {
                let entry = Entry { dir, name, is_kept: false };
                return Ok(Self { fd, uid: stat.st_uid, gid: stat.st_gid, mode: permissions(&stat), entry });
            }
        }
    }

    /// Returns the name of the file in its folder.
    pub(crate) fn name(&self) -> &OsStr {
        &self.entry.name
    }

    /// Moves the file to its place.
    pub(crate) fn rename(&self, place: &Place) -> Result<(), Errno> {
        rustix::fs::renameat(&self.entry.dir.fd, &self.entry.name, &place.dir.fd, place.name())
    }

    /// Moves the file to its place, where nothing is: what is there all the same stays, and is answered by
    /// [`Errno::EXIST`].
    pub(crate) fn rename_new(&self, place: &Place) -> Result<(), Errno> {
        kernel::rename_new(&self.entry.dir, &self.entry.name, place)
    }

    /// Says that the file has found its place, and returns it.
    pub(crate) fn keep(mut self) -> OwnedFd {
        self.entry.is_kept = true;
        self.fd
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = rustix::fs::unlinkat(&self.dir.fd, &self.name, AtFlags::empty());
        }
    }
}

/// Removes what runs that died have left in a folder.
pub(crate) fn remove_stale(dir: &Dir) {
    let Ok(entries) = rustix::fs::Dir::read_from(&dir.fd) else { return };
    for entry in entries.take(STALE_ENTRIES_MAX).flatten() {
        let name = entry.file_name();
        if !is_temp(name.to_bytes()) || !may_be_ours(&entry) {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let alive = match openat(&dir.fd, name, flags, Mode::empty()) {
            Ok(fd) => rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive).is_err(),
            // A link cannot be locked; it is there for less than a millisecond.
            Err(Errno::LOOP) => false,
            Err(_) => true,
        };
        if !alive {
            let _ = kernel::unlink(&dir.fd, name);
        }
    }
}

/// Returns whether it is a file or a link, or something that the folder does not tell of.
#[cfg(not(target_os = "illumos"))]
fn may_be_ours(entry: &DirEntry) -> bool {
    matches!(entry.file_type(), FileType::RegularFile | FileType::Symlink | FileType::Unknown)
}

/// Returns yes: no folder tells here.
#[cfg(target_os = "illumos")]
fn may_be_ours(_: &DirEntry) -> bool {
    true
}
