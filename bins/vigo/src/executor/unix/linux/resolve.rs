//! Paths by `openat2`, and descriptors that are paths only.

use crate::executor::unix::metadata::kind;
use crate::executor::unix::resolve::{Component, Links};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::sync::atomic::{AtomicBool, Ordering};
use vigo_core::action::FileKind;

/// Opens a thing to look at it, whatever it is.
pub(crate) const LOOK: OFlags = OFlags::PATH;

/// Opens a folder that may be entered but not read.
pub(crate) const ENTER: OFlags = OFlags::PATH;

/// Resolves a whole path at once, below a root: by `openat2` (Linux 5.6; some sandboxes forbid it).
#[derive(Debug)]
pub(crate) struct AtOnce {
    is_there: AtomicBool,
}

impl AtOnce {
    pub(crate) fn new() -> Self {
        Self { is_there: AtomicBool::new(true) }
    }

    /// Returns a kernel that cannot.
    #[cfg(test)]
    pub(crate) fn never() -> Self {
        Self { is_there: AtomicBool::new(false) }
    }

    /// Opens a path below `top`; `None` where the kernel cannot do it.
    pub(crate) fn open(
        &self,
        top: &OwnedFd,
        path: &str,
        flags: OFlags,
        links: Links,
    ) -> Option<Result<OwnedFd, Errno>> {
        if !self.is_there.load(Ordering::Relaxed) {
            return None;
        }
        let how = match links {
            Links::Any => ResolveFlags::IN_ROOT,
            // None is followed: whose they are is seen by hand.
            Links::Trusted => ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS,
        };
        // A rename elsewhere may disturb the look-up (EAGAIN): a few attempts, then by hand.
        for _ in 0..8 {
            match rustix::fs::openat2(top, path, flags | OFlags::CLOEXEC, Mode::empty(), how) {
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
                    self.is_there.store(false, Ordering::Relaxed);
                    return None;
                }
                other => return Some(other),
            }
        }
        None
    }
}

/// Looks at one component of a path.
pub(crate) fn component(here: BorrowedFd<'_>, name: &OsStr) -> Result<Component, Errno> {
    const FLAGS: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    let fd = rustix::fs::openat(here, name, FLAGS, Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    Ok(match kind(&stat) {
        FileKind::Symlink => Component::Link { target: rustix::fs::readlinkat(&fd, c"", Vec::new())?, stat },
        FileKind::Dir => Component::Dir { fd, stat },
        _ => Component::Other,
    })
}
