//! A path's metadata, as the core sees it.

use crate::windows::{file_id, whose};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use vigo_core::action::{FileKind, Metadata};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES, READ_CONTROL,
};

/// Between the epochs: 1601 and 1970, in the hundreds of nanoseconds that Windows counts.
const EPOCH_TICKS: i64 = 116_444_736_000_000_000;
const TICKS_A_MS: i64 = 10_000;

/// What stands for another owner than the system, an administrator or our own account: there is no number for him.
const OTHERS_UID: u32 = 1000;

/// Files that a program is started from.
const PROGRAMS: &[&str] = &["exe", "com", "cmd", "bat", "ps1"];

/// Opens whatever is at a path, a folder too, to look at it. A link at its end is opened itself, or followed.
pub(crate) fn open_to_look(path: &Path, follow: bool) -> io::Result<File> {
    let link = if follow { 0 } else { FILE_FLAG_OPEN_REPARSE_POINT };
    let options = |access| {
        let mut options = OpenOptions::new();
        options.access_mode(access).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | link);
        options
    };
    // Whose it is may be hidden from us, and the rest not.
    let with_owner = options(FILE_READ_ATTRIBUTES | READ_CONTROL).open(path);
    with_owner.or_else(|_| options(FILE_READ_ATTRIBUTES).open(path))
}

/// Others may write.
const OTHERS_WRITE: u32 = 0o002;

/// Returns what an open file says. There are no modes: what is read-only is, and others write what the list of its rights
/// lets them change. Whose it is, is 0 for the system, administrators and our own account.
pub(crate) fn metadata(file: &File, path: &Path) -> io::Result<Metadata> {
    let meta = file.metadata()?;
    let id = file_id(file).unwrap_or_default();
    let kind = kind(&meta);
    let is_program = || path.extension().is_some_and(|e| PROGRAMS.iter().any(|known| e.eq_ignore_ascii_case(known)));
    let whose = whose(file, kind == FileKind::Dir);
    let usual = if kind == FileKind::Dir || is_program() { 0o755 } else { 0o644 };
    let target = || std::fs::read_link(path).ok().map(|to| Arc::from(to.to_string_lossy()));
    let ticks = i64::try_from(meta.last_write_time()).unwrap_or(i64::MAX);
    Ok(Metadata {
        kind,
        mode: match kind == FileKind::File && meta.permissions().readonly() {
            true => usual & !0o222,
            false if whose.others_change => usual | OTHERS_WRITE,
            false => usual,
        },
        uid: if whose.is_trusted { 0 } else { OTHERS_UID },
        gid: 0,
        size: if kind == FileKind::File { meta.file_size() } else { 0 },
        mtime_ms: ticks.saturating_sub(EPOCH_TICKS) / TICKS_A_MS,
        dev: id.volume,
        ino: id.index,
        nlink: id.links,
        target: if kind == FileKind::Symlink { target() } else { None },
        context: None,
    })
}

/// Returns what is there. Junctions are links, too.
pub(crate) fn kind(meta: &std::fs::Metadata) -> FileKind {
    let kind = meta.file_type();
    match () {
        () if kind.is_symlink() => FileKind::Symlink,
        () if kind.is_dir() => FileKind::Dir,
        () if kind.is_file() => FileKind::File,
        () => FileKind::Other,
    }
}
