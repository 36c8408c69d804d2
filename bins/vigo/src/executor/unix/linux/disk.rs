//! Names and disks.

use crate::executor::unix::resolve::{Dir, Place};
use rustix::fd::AsFd;
use rustix::fs::{AtFlags, RenameFlags, StatxFlags};
use rustix::io::Errno;
use std::ffi::{CStr, OsStr};

pub(crate) use rustix::fs::fsync;

/// Waits until all of a folder's file system is on disk.
pub(crate) fn sync_system(dir: &Dir) -> Result<(), Errno> {
    rustix::fs::syncfs(&dir.fd)
}

/// Returns what tells one mount from another: device and mount id (Linux 5.8; 0 before).
pub(crate) fn mount_of(fd: impl AsFd) -> (u64, u64) {
    let fd = fd.as_fd();
    let device = rustix::fs::fstat(fd).map_or(0, |stat| stat.st_dev);
    let mount = rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).map_or(0, |s| s.stx_mnt_id);
    (device, mount)
}

/// Moves the file of a name to its place in the same folder, where nothing is: what is there all the same stays, and is
/// answered by [`Errno::EXIST`].
pub(crate) fn rename_new(dir: &Dir, name: &OsStr, place: &Place) -> Result<(), Errno> {
    match rustix::fs::renameat_with(&dir.fd, name, &place.dir.fd, place.name(), RenameFlags::NOREPLACE) {
        // Not every file system can, and not every sandbox lets us.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::PERM) => rename_unless_there(dir, name, place),
        other => other,
    }
}

fn rename_unless_there(dir: &Dir, name: &OsStr, place: &Place) -> Result<(), Errno> {
    match rustix::fs::statat(&place.dir.fd, place.name(), AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => rustix::fs::renameat(&dir.fd, name, &place.dir.fd, place.name()),
        Ok(_) => Err(Errno::EXIST),
        Err(errno) => Err(errno),
    }
}

/// Removes a name that is no directory's: one says so itself, by [`Errno::ISDIR`] or [`Errno::PERM`].
pub(crate) fn unlink(dir: impl AsFd, name: &CStr) -> Result<(), Errno> {
    rustix::fs::unlinkat(dir, name, AtFlags::empty())
}
