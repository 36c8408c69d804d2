//! Modes and extended attributes. There is no SELinux.

use crate::executor::failure::{Answer, at, failure};
use crate::executor::unix::meta::mode_of;
use crate::executor::unix::metadata::kind;
use crate::executor::unix::open::openat;
use crate::executor::unix::resolve::Place;
#[cfg(target_os = "macos")]
use rustix::fd::AsRawFd as _;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::sync::Arc;
use vigo_core::action::{FailureKind, FileKind};

/// Returns no.
pub(crate) fn has_selinux() -> bool {
    false
}

/// Returns nothing.
pub(crate) fn context(_: impl AsFd) -> Option<Arc<str>> {
    None
}

/// Refuses it.
pub(crate) fn set_context(_: impl AsFd, _: &str) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

/// Refuses it.
pub(crate) fn set_context_at(_: &Place, _: &str) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

/// Copies what a file keeps when its content changes: ACL and attributes, as far as they can.
#[cfg(target_os = "macos")]
pub(crate) fn copy_attributes(from: &OwnedFd, to: &OwnedFd) {
    let kept = libc::COPYFILE_ACL | libc::COPYFILE_XATTR;
    // SAFETY: both are open, and there need not be a state, fcopyfile(3).
    let _ = unsafe { libc::fcopyfile(from.as_raw_fd(), to.as_raw_fd(), std::ptr::null_mut(), kept) };
}

/// Copies nothing: ACLs and attributes have calls of their own on each of these systems, and go with the old content.
#[cfg(not(target_os = "macos"))]
pub(crate) fn copy_attributes(_: &OwnedFd, _: &OwnedFd) {}

/// Sets permission bits of what is at the place, which must be no link.
pub(crate) fn set_mode(place: &Place, mode: u32) -> Answer<()> {
    let what = || at("set the mode of", &place.path);
    let found = place.stat()?.map(|stat| kind(&stat)).ok_or_else(|| what()(Errno::NOENT))?;
    if found == FileKind::Symlink {
        return Err(failure(FailureKind::WrongKind, format!("`{}` is a link, which has no mode", place.path)));
    }
    match rustix::fs::chmodat(&place.dir.fd, place.name(), mode_of(mode), AtFlags::SYMLINK_NOFOLLOW) {
        // Not every system can leave a link alone: what can be opened harmlessly is opened.
        Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) if matches!(found, FileKind::File | FileKind::Dir) => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
            let fd = openat(&place.dir.fd, place.name(), flags, Mode::empty()).map_err(what())?;
            rustix::fs::fchmod(&fd, mode_of(mode)).map_err(what())
        }
        other => other.map_err(what()),
    }
}
