//! Modes, SELinux contexts and extended attributes.

use crate::executor::failure::{Answer, at, failure};
use crate::executor::unix::meta::mode_of;
use crate::executor::unix::metadata::kind;
use crate::executor::unix::resolve::Place;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use std::sync::{Arc, OnceLock};
use vigo_core::action::{FailureKind, FileKind};

/// The attribute that holds the SELinux context.
const SELINUX: &str = "security.selinux";

/// Returns whether the machine has SELinux; where it has none, nobody pays for asking each file.
pub(crate) fn has_selinux() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| std::path::Path::new("/sys/fs/selinux/enforce").exists())
}

/// Returns the SELinux context of an open file, also of one that was opened as a path only.
pub(crate) fn context(fd: impl AsFd) -> Option<Arc<str>> {
    if !has_selinux() {
        return None;
    }
    let fd = fd.as_fd();
    let mut buf = [0u8; 512];
    let len = rustix::fs::fgetxattr(fd, SELINUX, &mut buf)
        .or_else(|_| rustix::fs::getxattr(format!("/proc/self/fd/{}", fd.as_raw_fd()), SELINUX, &mut buf))
        .ok()?;
    let text = String::from_utf8_lossy(buf.get(..len)?);
    Some(text.trim_end_matches('\0').into())
}

/// Sets the SELinux context of an open file.
pub(crate) fn set_context(fd: impl AsFd, context: &str) -> Result<(), Errno> {
    rustix::fs::fsetxattr(fd, SELINUX, &value(context), XattrFlags::empty())
}

/// Sets the SELinux context of what is at the place, a link itself included.
pub(crate) fn set_context_at(place: &Place, context: &str) -> Result<(), Errno> {
    let mut path = std::path::PathBuf::from(format!("/proc/self/fd/{}", place.dir.fd.as_raw_fd()));
    path.push(place.name());
    rustix::fs::lsetxattr(path, SELINUX, &value(context), XattrFlags::empty())
}

fn value(context: &str) -> Vec<u8> {
    let mut value = context.as_bytes().to_vec();
    value.push(0);
    value
}

/// Copies what a file keeps when its content changes: SELinux context, ACL, attributes of its owner. Not its
/// capabilities, which were given to the old content.
pub(crate) fn copy_attributes(from: &OwnedFd, to: &OwnedFd) {
    let mut names = vec![0u8; 4096];
    let len = rustix::fs::flistxattr(from, &mut *names).or_else(|_| {
        // XATTR_LIST_MAX, xattr(7): no list is longer.
        names.resize(65_536, 0);
        rustix::fs::flistxattr(from, &mut *names)
    });
    let Ok(len) = len else { return };
    for name in names.get(..len).unwrap_or_default().split(|b| *b == 0).filter(|name| !name.is_empty()) {
        let known = name == SELINUX.as_bytes()
            || name == b"system.posix_acl_access"
            || name == b"system.nfs4_acl"
            || name.starts_with(b"user.");
        let mut value = vec![0u8; 65_536];
        if known && let Ok(len) = rustix::fs::fgetxattr(from, name, &mut *value) {
            value.truncate(len);
            let _ = rustix::fs::fsetxattr(to, name, &value, XattrFlags::empty());
        }
    }
}

/// Sets permission bits of what is at the place, which must be no link.
pub(crate) fn set_mode(place: &Place, mode: u32) -> Answer<()> {
    let what = || at("set the mode of", &place.path);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(&place.dir.fd, place.name(), flags, Mode::empty()).map_err(at("open", &place.path))?;
    let found = kind(&rustix::fs::fstat(&fd).map_err(at("look at", &place.path))?);
    if found == FileKind::Symlink {
        return Err(failure(FailureKind::WrongKind, format!("`{}` is a link, which has no mode", place.path)));
    }
    match rustix::fs::chmod(format!("/proc/self/fd/{}", fd.as_raw_fd()), mode_of(mode)) {
        // Without /proc: what can be opened harmlessly is opened.
        Err(Errno::NOENT) if matches!(found, FileKind::File | FileKind::Dir) => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let fd = rustix::fs::openat(&place.dir.fd, place.name(), flags, Mode::empty()).map_err(what())?;
            rustix::fs::fchmod(&fd, mode_of(mode)).map_err(what())
        }
        other => other.map_err(what()),
    }
}
