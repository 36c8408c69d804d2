//! A path's metadata, as the core sees it.

use rustix::fd::{AsFd, AsRawFd};
use rustix::fs::{FileType, Stat};
use std::sync::Arc;
use std::sync::OnceLock;
use vigo_core::action::{FileKind, Metadata};

/// Returns what `stat` says; a link's target and a context are the caller's to add.
pub(crate) fn metadata(stat: &Stat) -> Metadata {
    Metadata {
        kind: kind(stat),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime_ms: stat.st_mtime.saturating_mul(1000).saturating_add(stat.st_mtime_nsec as i64 / 1_000_000),
        dev: stat.st_dev,
        ino: stat.st_ino,
        nlink: stat.st_nlink,
        target: None,
        context: None,
    }
}

/// Returns what is there.
pub(crate) fn kind(stat: &Stat) -> FileKind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Dir,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    }
}

/// Returns what a symbolic link says, given the descriptor of the link itself (`name` empty) or of its folder.
pub(crate) fn link_target(dir: impl AsFd, name: &str) -> Option<Arc<str>> {
    let target = rustix::fs::readlinkat(dir, name, Vec::new()).ok()?;
    Some(target.to_string_lossy().into())
}

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

/// The attribute that holds the SELinux context.
pub(crate) const SELINUX: &str = "security.selinux";
