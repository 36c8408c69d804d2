//! Paths component by component.

use crate::executor::unix::metadata::kind;
use crate::executor::unix::read::READ;
use crate::executor::unix::resolve::{Component, Links};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use vigo_core::action::FileKind;

/// Opens a thing to look at it.
pub(crate) const LOOK: OFlags = READ;

/// Opens a folder.
pub(crate) const ENTER: OFlags = OFlags::RDONLY;

/// A kernel that resolves no path below a root by itself.
#[derive(Debug)]
pub(crate) struct AtOnce;

impl AtOnce {
    pub(crate) fn new() -> Self {
        Self
    }

    /// Returns `None`: all is done by hand.
    pub(crate) fn open(&self, _: &OwnedFd, _: &str, _: OFlags, _: Links) -> Option<Result<OwnedFd, Errno>> {
        None
    }
}

/// Looks at one component of a path. What is opened is a folder and no link, whatever happens meanwhile; a link is followed
/// only where nobody else could have put another one there between the two looks.
pub(crate) fn component(here: BorrowedFd<'_>, name: &OsStr) -> Result<Component, Errno> {
    const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    let refused = match rustix::fs::openat(here, name, FLAGS, Mode::empty()) {
        Ok(fd) => return Ok(Component::Dir { stat: rustix::fs::fstat(&fd)?, fd }),
        Err(errno) => errno,
    };
    // Systems disagree on how a link is refused, and on what comes first for a link when a folder is wanted.
    let stat = rustix::fs::statat(here, name, AtFlags::SYMLINK_NOFOLLOW)?;
    match kind(&stat) {
        FileKind::Symlink => Ok(Component::Link { target: rustix::fs::readlinkat(here, name, Vec::new())?, stat }),
        FileKind::Dir => Err(refused),
        _ => Ok(Component::Other),
    }
}
