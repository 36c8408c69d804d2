//! Changes that are one call: folders, links, names, owners, modes, contexts.

use super::kernel;
use super::metadata::kind;
use super::open::openat;
use super::resolve::{Last, Place};
use crate::executor::failure::{Answer, at, failure};
use crate::executor::name::name_for;
use crate::executor::perform::Executor;
use rustix::fs::{AtFlags, Mode, OFlags, RawMode};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use vigo_core::action::{AbsPath, FailureKind, FileKind, OpOutput, Owner};

/// Returns permission bits as the system takes them.
pub(crate) fn mode_of(mode: u32) -> Mode {
    Mode::from_raw_mode((mode & 0o7777) as RawMode)
}

/// Makes the folders above `path` that are missing, 0755.
pub(crate) fn make_parents(executor: &mut Executor, path: &AbsPath) -> Answer<()> {
    let mut missing = Vec::new();
    let mut above = path.parent();
    while let Some(dir) = above {
        match executor.resolver.dir(&dir) {
            Ok(_) => break,
            Err(f) if f.kind == FailureKind::NoParent => {}
            Err(f) => return Err(f),
        }
        above = dir.parent();
        missing.push(dir);
    }
    while let Some(dir) = missing.pop() {
        let place = executor.resolver.place(&dir, Last::Keep)?;
        vigo_core::guard::check_write(&place.path).map_err(|p| failure(FailureKind::Denied, p.message))?;
        executor.unsynced.folder(&place.dir);
        make_dir(&place, 0o755, Owner::default())?;
    }
    Ok(())
}

/// Makes a directory, or gives one that is there this mode and owner.
pub(crate) fn make_dir(place: &Place, mode: u32, owner: Owner) -> Answer<OpOutput> {
    let what = |what| at(what, &place.path);
    match rustix::fs::mkdirat(&place.dir.fd, place.name(), Mode::RWXU) {
        Ok(()) => {}
        Err(Errno::EXIST) if place.stat()?.is_some_and(|stat| kind(&stat) == FileKind::Dir) => {}
        Err(errno) => return Err(what("make directory")(errno)),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = openat(&place.dir.fd, place.name(), flags, Mode::empty()).map_err(what("open"))?;
    if owner != Owner::default() {
        rustix::fs::fchown(&fd, owner.uid.map(Uid::from_raw), owner.gid.map(Gid::from_raw))
            .map_err(what("set the owner of"))?;
    }
    rustix::fs::fchmod(&fd, mode_of(mode)).map_err(what("set the mode of"))?;
    Ok(OpOutput::Done)
}

/// Makes a symbolic link beside the place and renames it there.
pub(crate) fn symlink(place: &Place, to: &str, owner: Owner, force: bool) -> Answer<OpOutput> {
    let what = |what| at(what, &place.path);
    let old = place.stat()?.map(|stat| kind(&stat));
    if !force && old.is_some_and(|kind| kind != FileKind::Symlink) {
        return Err(failure(FailureKind::WrongKind, format!("`{}` is there and no link", place.path)));
    }
    let name = loop {
        let name = name_for(&place.name);
        match rustix::fs::symlinkat(to, &place.dir.fd, &name) {
            Err(Errno::EXIST) => {}
            other => break other.map(|()| name).map_err(what("make link"))?,
        }
    };
    let placed = || {
        if owner != Owner::default() {
            let (uid, gid) = (owner.uid.map(Uid::from_raw), owner.gid.map(Gid::from_raw));
            rustix::fs::chownat(&place.dir.fd, &name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
                .map_err(what("set the owner of"))?;
        }
        if old == Some(FileKind::Dir) {
            rustix::fs::unlinkat(&place.dir.fd, place.name(), AtFlags::REMOVEDIR).map_err(what("remove directory"))?;
        }
        rustix::fs::renameat(&place.dir.fd, &name, &place.dir.fd, place.name()).map_err(what("replace"))
    };
    placed().inspect_err(|_| _ = rustix::fs::unlinkat(&place.dir.fd, &name, AtFlags::empty()))?;
    Ok(OpOutput::Done)
}

/// Makes a hard link; an existing file goes by rename.
pub(crate) fn hard_link(place: &Place, to: &Place, force: bool) -> Answer<OpOutput> {
    let what = |what| at(what, &place.path);
    let link =
        |name: &std::ffi::OsStr| rustix::fs::linkat(&to.dir.fd, to.name(), &place.dir.fd, name, AtFlags::empty());
    match link(place.name()) {
        Ok(()) => return Ok(OpOutput::Done),
        Err(Errno::EXIST) if force => {}
        Err(errno) => return Err(what("make link")(errno)),
    }
    let name = loop {
        let name = name_for(&place.name);
        match link(&name) {
            Err(Errno::EXIST) => {}
            other => break other.map(|()| name).map_err(what("make link"))?,
        }
    };
    let emptied = match place.stat()?.map(|stat| kind(&stat)) {
        Some(FileKind::Dir) => rustix::fs::unlinkat(&place.dir.fd, place.name(), AtFlags::REMOVEDIR),
        _ => Ok(()),
    };
    let renamed = emptied.and_then(|()| rustix::fs::renameat(&place.dir.fd, &name, &place.dir.fd, place.name()));
    // A rename between two names of one file does nothing and leaves both.
    let _ = rustix::fs::unlinkat(&place.dir.fd, &name, AtFlags::empty());
    renamed.map_err(what("replace"))?;
    Ok(OpOutput::Done)
}

/// Renames within a file system.
pub(crate) fn rename(from: &Place, to: &Place) -> Answer<OpOutput> {
    rustix::fs::renameat(&from.dir.fd, from.name(), &to.dir.fd, to.name())
        .map_err(at("rename", format_args!("{}` to `{}", from.path, to.path)))?;
    Ok(OpOutput::Done)
}

/// Sets owner and group of what is at the place, a link itself included.
pub(crate) fn set_owner(place: &Place, owner: Owner) -> Answer<OpOutput> {
    let (uid, gid) = (owner.uid.map(Uid::from_raw), owner.gid.map(Gid::from_raw));
    rustix::fs::chownat(&place.dir.fd, place.name(), uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(at("set the owner of", &place.path))?;
    Ok(OpOutput::Done)
}

/// Sets permission bits of what is at the place, which must be no link.
pub(crate) fn set_mode(place: &Place, mode: u32) -> Answer<OpOutput> {
    kernel::set_mode(place, mode)?;
    Ok(OpOutput::Done)
}

/// Sets the SELinux context of what is at the place, a link itself included.
pub(crate) fn set_context_at(place: &Place, context: &str) -> Answer<OpOutput> {
    kernel::set_context_at(place, context).map_err(at("set the SELinux context of", &place.path))?;
    Ok(OpOutput::Done)
}
