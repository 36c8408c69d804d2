//! A path's metadata, as the core sees it.

use rustix::fd::AsFd;
use rustix::fs::{FileType, Stat};
use std::sync::Arc;
use vigo_core::action::{FileKind, Metadata};

/// Returns what `stat` says; a link's target and a context are the caller's to add.
pub(crate) fn metadata(stat: &Stat) -> Metadata {
    Metadata {
        kind: kind(stat),
        mode: permissions(stat),
        uid: stat.st_uid,
        gid: stat.st_gid,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mtime_ms: stat.st_mtime.saturating_mul(1000).saturating_add(number(stat.st_mtime_nsec) as i64 / 1_000_000),
        dev: number(stat.st_dev),
        ino: number(stat.st_ino),
        nlink: number(stat.st_nlink),
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
pub(crate) fn link_target(dir: impl AsFd, name: impl rustix::path::Arg) -> Option<Arc<str>> {
    let target = rustix::fs::readlinkat(dir, name, Vec::new()).ok()?;
    Some(target.to_string_lossy().into())
}

/// Returns the permission bits.
pub(crate) fn permissions(stat: &Stat) -> u32 {
    number(stat.st_mode) as u32 & 0o7777
}

/// Returns a number of stat(2) as one that is the same everywhere: each system has its own widths.
pub(crate) fn number(n: impl TryInto<i128>) -> u64 {
    n.try_into().unwrap_or(0) as u64
}
