//! Calls on files that the standard library has not.

use super::text::{checked, wide};
use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr::null;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, GetDiskFreeSpaceExW, GetFileInformationByHandle, MOVEFILE_DELAY_UNTIL_REBOOT,
    MOVEFILE_WRITE_THROUGH, MoveFileExW, REPLACEFILE_WRITE_THROUGH, ReplaceFileW,
};

/// What tells a file from others.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct FileId {
    /// The volume's number.
    pub(crate) volume: u64,
    /// Its own on the volume.
    pub(crate) index: u64,
    /// Names that it has.
    pub(crate) links: u64,
}

/// Returns what tells an open file from others.
pub(crate) fn file_id(file: &File) -> io::Result<FileId> {
    // SAFETY: all fields are numbers, for which zero is a value.
    let mut info: BY_HANDLE_FILE_INFORMATION = unsafe { std::mem::zeroed() };
    // SAFETY: the handle is open, and the answer has room.
    checked(unsafe { GetFileInformationByHandle(file.as_raw_handle() as HANDLE, &mut info) })?;
    Ok(FileId {
        volume: u64::from(info.dwVolumeSerialNumber),
        index: u64::from(info.nFileIndexHigh) << 32 | u64::from(info.nFileIndexLow),
        links: u64::from(info.nNumberOfLinks),
    })
}

/// Puts `new` in the place of `old`, which hands on its access rights, attributes and streams, ReplaceFileW.
pub(crate) fn replace(old: &Path, new: &Path) -> io::Result<()> {
    let (old, new) = (wide(old)?, wide(new)?);
    // SAFETY: both paths end with a zero; the rest may be null.
    checked(unsafe { ReplaceFileW(old.as_ptr(), new.as_ptr(), null(), REPLACEFILE_WRITE_THROUGH, null(), null()) })
}

/// Moves a file to where nothing is.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`], when something is there.
pub(crate) fn move_new(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(from)?, wide(to)?);
    // SAFETY: both paths end with a zero.
    checked(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) })
}

/// Has a file removed at the next boot: that of a program that runs cannot be removed before.
pub(crate) fn remove_at_boot(path: &Path) -> io::Result<()> {
    let path = wide(path)?;
    // SAFETY: the path ends with a zero; no target means removal.
    checked(unsafe { MoveFileExW(path.as_ptr(), null(), MOVEFILE_DELAY_UNTIL_REBOOT) })
}

/// What a volume holds, in bytes.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Space {
    /// In all.
    pub(crate) size: u64,
    /// Free.
    pub(crate) free: u64,
    /// Free for us.
    pub(crate) available: u64,
}

/// Returns the space of the volume that a folder is on.
pub(crate) fn space(folder: &Path) -> io::Result<Space> {
    let (folder, mut space) = (wide(folder)?, Space::default());
    // SAFETY: the path ends with a zero, and the answers have room.
    checked(unsafe { GetDiskFreeSpaceExW(folder.as_ptr(), &mut space.available, &mut space.size, &mut space.free) })?;
    Ok(space)
}
