//! [`vigo_core::action::Op::ListDir`]: a folder's entries, or a whole tree on one file system.

use super::metadata::{kind, metadata};
use super::open::openat;
use super::resolve::{Last, Resolver};
use crate::executor::failure::{Answer, at, failure};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use vigo_core::action::{AbsPath, Entry, FailureKind, FileKind, OpOutput};

/// Folders inside each other: descriptors are held open on the way down.
pub(crate) const DEPTH_MAX: usize = 256;

/// Answers a listing. Below `path` no link is followed; `path` itself may be one, unless the whole tree is asked for.
pub(crate) fn list_dir(resolver: &Resolver, path: &AbsPath, deep: bool, entries_max: usize) -> Answer<OpOutput> {
    let last = if deep { Last::Keep } else { Last::Follow };
    let top = match resolver.open(path, OFlags::RDONLY | OFlags::DIRECTORY, last) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(OpOutput::Missing),
        // What is no folder says what it is.
        Err(Errno::NOTDIR | Errno::LOOP) => return super::read::stat(resolver, path, Last::Keep),
        Err(errno) => return Err(at("open", path)(errno)),
    };
    let device = rustix::fs::fstat(&top).map_err(at("look at", path))?.st_dev;
    let mut entries: Vec<Entry> = Vec::new();
    let mut open = vec![(open_dir(top, path)?, String::new())];
    while let Some((dir, prefix)) = open.last_mut() {
        let entry = match dir.read() {
            None => {
                open.pop();
                continue;
            }
            Some(entry) => entry.map_err(at("list", path))?,
        };
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entries.len() >= entries_max {
            let message = format!("`{path}` holds more than the {entries_max} entries that may be listed");
            return Err(failure(FailureKind::TooLarge, message));
        }
        let fd = dir.fd().map_err(at("list", path))?;
        let stat = match rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // It went away between the two calls.
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(at("look at", format_args!("{path}/{prefix}{}", name.to_string_lossy()))(errno)),
        };
        let shown = format!("{prefix}{}", name.to_string_lossy());
        let mut meta = metadata(&stat);
        if meta.kind == FileKind::Symlink {
            meta.target = rustix::fs::readlinkat(fd, name, Vec::new()).ok().map(|t| t.to_string_lossy().into());
        }
        entries.push(Entry { path: shown.as_str().into(), meta });
        if deep && kind(&stat) == FileKind::Dir && stat.st_dev == device {
            let below = match openat(fd, name, DOWN, Mode::empty()) {
                Ok(fd) => fd,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(errno) => return Err(at("open", format_args!("{path}/{shown}"))(errno)),
            };
            if open.len() >= DEPTH_MAX {
                let message = format!("`{path}` is nested deeper than {DEPTH_MAX} directories");
                return Err(failure(FailureKind::TooLarge, message));
            }
            open.push((open_dir(below, path)?, shown + "/"));
        }
    }
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(OpOutput::Dir(entries))
}

const DOWN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn open_dir(fd: OwnedFd, path: &AbsPath) -> Answer<Dir> {
    Dir::new(fd).map_err(at("list", path))
}
