//! [`vigo_core::action::Op::Remove`]: one thing, or a whole tree, never through a link or across a mount.

use super::kernel;
use super::list::DEPTH_MAX;
use super::metadata::kind;
use super::resolve::Place;
use crate::executor::failure::{Answer, at, failure};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use vigo_core::action::{FailureKind, FileKind, OpOutput};

/// Removes what is at the place. Nothing there is a success.
pub(crate) fn remove(place: &Place, recursive: bool) -> Answer<OpOutput> {
    let Some(stat) = place.stat()? else { return Ok(OpOutput::Done) };
    let is_dir = kind(&stat) == FileKind::Dir;
    if is_dir && recursive {
        return tree(place).map(|()| OpOutput::Done);
    }
    let flags = if is_dir { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    match rustix::fs::unlinkat(&place.dir.fd, place.name(), flags) {
        Ok(()) | Err(Errno::NOENT) => Ok(OpOutput::Done),
        // Solaris says that something is there, rmdir(2).
        Err(Errno::NOTEMPTY | Errno::EXIST) => {
            Err(failure(FailureKind::WrongKind, format!("directory `{}` is not empty", place.path)))
        }
        Err(errno) => Err(at("remove", &place.path)(errno)),
    }
}

/// A folder that is being emptied.
struct Level {
    /// Its entries, read at once: removing while reading may skip some.
    names: Vec<CString>,
    fd: OwnedFd,
    name: CString,
}

fn tree(place: &Place) -> Answer<()> {
    let what = |what| at(what, &place.path);
    let top = CString::new(place.name.clone()).map_err(|_| what("remove")(Errno::INVAL))?;
    let home = kernel::mount_of(&place.dir.fd);
    let mut open = vec![enter(place, place.dir.fd.as_fd(), top, home)?];
    while let Some(level) = open.last_mut() {
        let Some(name) = level.names.pop() else {
            let Some(done) = open.pop() else { break };
            let parent = open.last().map_or(place.dir.fd.as_fd(), |level| level.fd.as_fd());
            match rustix::fs::unlinkat(parent, done.name.as_c_str(), AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(errno) => return Err(what("remove directory in")(errno)),
            }
        };
        match kernel::unlink(&level.fd, &name) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR | Errno::PERM) => {
                if open.len() >= DEPTH_MAX {
                    let message = format!("`{}` is nested deeper than {DEPTH_MAX} directories", place.path);
                    return Err(failure(FailureKind::TooLarge, message));
                }
                let Some(level) = open.last() else { break };
                let below = enter(place, level.fd.as_fd(), name, home)?;
                open.push(below);
            }
            Err(errno) => {
                return Err(at("remove", format_args!("{}/…/{}", place.path, name.to_string_lossy()))(errno));
            }
        }
    }
    Ok(())
}

fn enter(place: &Place, parent: rustix::fd::BorrowedFd<'_>, name: CString, home: (u64, u64)) -> Answer<Level> {
    let shown = || format!("{}/…/{}", place.path, name.to_string_lossy());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(parent, name.as_c_str(), flags, Mode::empty()).map_err(|e| at("open", shown())(e))?;
    if kernel::mount_of(&fd) != home {
        let message = format!("`{}` is a mount point, which is not removed", shown());
        return Err(failure(FailureKind::WrongKind, message));
    }
    let dir = Dir::read_from(&fd).map_err(|e| at("list", shown())(e))?;
    let mut names = Vec::new();
    for entry in dir {
        let entry = entry.map_err(|e| at("list", shown())(e))?;
        let entry: &CStr = entry.file_name();
        if !matches!(entry.to_bytes(), b"." | b"..") {
            names.push(entry.to_owned());
        }
    }
    Ok(Level { names, fd, name })
}
