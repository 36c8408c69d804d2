//! The records whose master key is lost: kept, in a folder of their own. Nothing opens them before the key turns up.

use super::local::revision_in;
use super::record_file::{self, path_of, sync};
use super::{VaultError, master};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vigo_driver::disk;

/// The name of the folder.
const NAME: &str = ".lost";

/// Stands between the name of a file and the number of an older one with that name. No record has it in its name.
const OLDER: char = '~';

/// Returns the secrets whose records lie there, with their revisions.
pub(super) fn read(dir: &Path) -> Result<BTreeMap<Arc<str>, Option<u64>>, VaultError> {
    let folder = dir.join(NAME);
    let paths = names(&folder)?.into_iter().filter_map(|name| Some((path_of(&name)?, name)));
    Ok(paths.map(|(path, name)| (path.as_str().into(), revision_in(&folder.join(name), &path))).collect())
}

/// Lays the record of this name aside.
pub(super) fn keep(dir: &Path, name: &str) -> Result<(), VaultError> {
    let folder = made(dir)?;
    let (from, to) = (dir.join(name), folder.join(name));
    if to.exists() {
        // It was lost before, and set again in between.
        let mut number = 1_u32;
        let older = loop {
            let older = folder.join(format!("{name}{OLDER}{number}"));
            if !older.exists() {
                break older;
            }
            number = number.saturating_add(1);
        };
        disk::rename(&to, &older).map_err(VaultError::disk("rename", &to))?;
    }
    match disk::rename(&from, &to) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(VaultError::disk("move", &from)(e)),
        _ => {}
    }
    sync(&folder)?;
    sync(dir)
}

/// Lays the master key aside that opens nothing, if there is one.
pub(super) fn keep_key(dir: &Path) -> Result<(), VaultError> {
    match dir.join(master::NAME).exists() {
        true => keep(dir, master::NAME),
        false => Ok(()),
    }
}

/// Removes all that is kept of the record of this name.
pub(super) fn remove(dir: &Path, name: &str) -> Result<(), VaultError> {
    let folder = dir.join(NAME);
    for found in names(&folder)? {
        if found.split(OLDER).next() == Some(name) {
            let file = folder.join(&found);
            disk::remove_file(&file).map_err(VaultError::disk("remove", &file))?;
        }
    }
    record_file::sync(&folder)
}

fn made(dir: &Path) -> Result<PathBuf, VaultError> {
    let folder = dir.join(NAME);
    let make = || fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    disk::step(make).map_err(VaultError::disk("make", &folder))?;
    Ok(folder)
}

fn names(folder: &Path) -> Result<Vec<String>, VaultError> {
    let list = || fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>();
    let names = match list() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        names => names.map_err(VaultError::disk("list", folder))?,
    };
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
}
