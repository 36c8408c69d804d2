//! Opening by name in a folder, with one answer for a link that is not to be followed: each system has its own.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::path::Arg;

/// What the system answers for a link, open(2).
#[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
const LINK: Errno = Errno::MLINK;
#[cfg(target_os = "netbsd")]
const LINK: Errno = Errno::FTYPE;
#[cfg(not(any(target_os = "freebsd", target_os = "dragonfly", target_os = "netbsd")))]
const LINK: Errno = Errno::LOOP;

/// Opens a name in a folder; a link that `flags` do not follow is [`Errno::LOOP`] everywhere.
pub(crate) fn openat(dir: impl AsFd, name: impl Arg, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let opened = rustix::fs::openat(dir, name, flags | OFlags::CLOEXEC, mode);
    opened.map_err(|errno| if flags.contains(OFlags::NOFOLLOW) && errno == LINK { Errno::LOOP } else { errno })
}
