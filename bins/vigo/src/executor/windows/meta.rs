//! Changes that are one call: folders, links, names.

use super::fault::is_missing;
use super::metadata::kind;
use super::resolve::{Last, Place};
use crate::executor::failure::{Answer, at, failure};
use crate::executor::name::name_for;
use crate::executor::perform::Executor;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use vigo_core::action::{AbsPath, FailureKind, FileKind, OpOutput, Owner};

/// Makes the folders above `path` that are missing.
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
        make_dir(&place, 0, Owner::default())?;
    }
    Ok(())
}

/// Makes a directory; its access rights are those that the one above hands on.
pub(crate) fn make_dir(place: &Place, _mode: u32, owner: Owner) -> Answer<OpOutput> {
    no_owner(place, owner)?;
    match fs::create_dir(&place.file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && kind_at(&place.file) == Some(FileKind::Dir) => {}
        other => other.map_err(at("make directory", &place.path))?,
    }
    Ok(OpOutput::Done)
}

/// Makes a symbolic link beside the place and renames it there. What it leads to decides its kind, of which there are two.
pub(crate) fn symlink(place: &Place, to: &str, owner: Owner, force: bool) -> Answer<OpOutput> {
    let what = |what| at(what, &place.path);
    no_owner(place, owner)?;
    let old = kind_at(&place.file);
    if !force && old.is_some_and(|kind| kind != FileKind::Symlink) {
        return Err(failure(FailureKind::WrongKind, format!("`{}` is there and no link", place.path)));
    }
    let target = place.dir.path.join(to);
    let made = beside(place, |name| match target.is_dir() {
        true => std::os::windows::fs::symlink_dir(to, name),
        false => std::os::windows::fs::symlink_file(to, name),
    })
    .map_err(what("make link"))?;
    let placed = match old {
        // Nothing is renamed onto a folder, or a link to one.
        Some(_) if place.file.is_dir() => fs::remove_dir(&place.file),
        _ => Ok(()),
    };
    placed.and_then(|()| fs::rename(&made, &place.file)).map_err(|error| {
        let _ = fs::remove_file(&made).or_else(|_| fs::remove_dir(&made));
        what("replace")(error)
    })?;
    Ok(OpOutput::Done)
}

/// Makes a hard link; an existing file goes by rename.
pub(crate) fn hard_link(place: &Place, to: &Place, force: bool) -> Answer<OpOutput> {
    let what = |what| at(what, &place.path);
    match fs::hard_link(&to.file, &place.file) {
        Ok(()) => return Ok(OpOutput::Done),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && force => {}
        Err(error) => return Err(what("make link")(error)),
    }
    let made = beside(place, |name| fs::hard_link(&to.file, name)).map_err(what("make link"))?;
    let emptied = if kind_at(&place.file) == Some(FileKind::Dir) { fs::remove_dir(&place.file) } else { Ok(()) };
    emptied.and_then(|()| fs::rename(&made, &place.file)).map_err(|error| {
        let _ = fs::remove_file(&made);
        what("replace")(error)
    })?;
    Ok(OpOutput::Done)
}

/// Removes what is at the place, a tree if it is to be: no link is followed. Nothing there is a success.
pub(crate) fn remove(place: &Place, recursive: bool) -> Answer<OpOutput> {
    let meta = match fs::symlink_metadata(&place.file) {
        Err(error) if is_missing(&error) => return Ok(OpOutput::Done),
        other => other.map_err(at("look at", &place.path))?,
    };
    let removed = match kind(&meta) {
        FileKind::Dir if recursive => fs::remove_dir_all(&place.file),
        FileKind::Dir => fs::remove_dir(&place.file),
        // A link to a folder is removed as one.
        FileKind::Symlink => fs::remove_file(&place.file).or_else(|_| fs::remove_dir(&place.file)),
        _ => {
            if meta.permissions().readonly() {
                let mut permissions = meta.permissions();
                permissions.set_readonly(false);
                fs::set_permissions(&place.file, permissions).map_err(at("remove", &place.path))?;
            }
            fs::remove_file(&place.file)
        }
    };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(OpOutput::Done),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
            Err(failure(FailureKind::WrongKind, format!("directory `{}` is not empty", place.path)))
        }
        other => other.map(|()| OpOutput::Done).map_err(at("remove", &place.path)),
    }
}

/// Renames on a volume.
pub(crate) fn rename(from: &Place, to: &Place) -> Answer<OpOutput> {
    fs::rename(&from.file, &to.file).map_err(at("rename", format_args!("{}` to `{}", from.path, to.path)))?;
    Ok(OpOutput::Done)
}

/// Refuses: an owner is no number here.
pub(crate) fn set_owner(place: &Place, owner: Owner) -> Answer<OpOutput> {
    no_owner(place, owner).map(|()| OpOutput::Done)
}

/// Refuses: there are no modes here.
pub(crate) fn set_mode(place: &Place, mode: u32) -> Answer<OpOutput> {
    Err(failure(FailureKind::Other, format!("mode {mode:04o} of `{}`: windows has no modes", place.path)))
}

/// Refuses: there is no SELinux here.
pub(crate) fn set_context_at(place: &Place, context: &str) -> Answer<OpOutput> {
    Err(failure(FailureKind::Other, format!("context `{context}` of `{}`: windows has no SELinux", place.path)))
}

/// Refuses: there are no signals here.
pub(crate) fn signal(pid: u32, _: u64, name: &str) -> Answer<OpOutput> {
    Err(failure(FailureKind::Other, format!("signal process {pid}: windows knows no signal `{name}`")))
}

fn no_owner(place: &Place, owner: Owner) -> Answer<()> {
    if owner == Owner::default() {
        return Ok(());
    }
    let message = format!("owner of `{}`: windows has no numbers of users", place.path);
    Err(failure(FailureKind::Other, message))
}

fn kind_at(path: &Path) -> Option<FileKind> {
    fs::symlink_metadata(path).ok().map(|meta| kind(&meta))
}

/// Makes something under a free name beside the place.
fn beside(place: &Place, make: impl Fn(&Path) -> std::io::Result<()>) -> std::io::Result<PathBuf> {
    loop {
        let path = place.dir.path.join(name_for(place.path.name().as_bytes()));
        match make(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            other => return other.map(|()| path),
        }
    }
}
