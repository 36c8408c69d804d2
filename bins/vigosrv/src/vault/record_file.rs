//! The files of a vault: what they are called, and how they get to the disk.

use super::VaultError;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use vigo_core::limits;
use vigo_core::secret::{VaultRecord, is_path};
use vigo_driver::disk;

/// Bytes of a path that is a file's name, too: what file systems take, with room for more to come.
pub(super) const PATH_BYTES_MAX: usize = 200;

/// Bytes of a file: the longest record, and a little more to tell it from a longer one.
const FILE_BYTES_MAX: u64 = limits::SECRET_BYTES_MAX as u64 + 4096;

/// What files are called that are not in their place yet.
const FRESH: &str = ".new-";

/// Returns the name of the file of the secret at `path`. No path has a `+`, so no two have one name.
pub(super) fn name_of(path: &str) -> Result<String, VaultError> {
    match is_path(path) && path.len() <= PATH_BYTES_MAX {
        true => Ok(path.replace('/', "+")),
        false => Err(VaultError::NotPath { path: path.chars().take(PATH_BYTES_MAX).collect() }),
    }
}

/// Returns the path of the secret whose file has this name; none for files that are no secrets.
pub(super) fn path_of(name: &str) -> Option<String> {
    let path = name.replace('+', "/");
    (!name.contains('/') && name_of(&path).ok()? == name).then_some(path)
}

/// Reads the record in a file; `None`: there is no such file.
pub(super) fn read(file: &Path, path: &str) -> Result<Option<VaultRecord>, VaultError> {
    let mut bytes = Vec::new();
    match File::open(file).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(VaultError::disk("read", file))?,
    };
    let record = VaultRecord::decode(&bytes);
    record.map(Some).map_err(|why| VaultError::Record { path: path.into(), why })
}

/// Writes a file, 0600, beside its place, and waits until it is on the disk. Returns where it is.
pub(super) fn stage(dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, VaultError> {
    let fresh = dir.join(format!("{FRESH}{}", name.trim_start_matches('.')));
    disk::remove_file(&fresh).map_err(VaultError::disk("remove", &fresh))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = disk::step(|| options.open(&fresh)).and_then(|mut file| {
        disk::write(&mut file, bytes)?;
        disk::sync(&file)
    });
    written.map_err(VaultError::disk("write", &fresh))?;
    Ok(fresh)
}

/// Puts a file into its place, and waits until that lasts.
pub(super) fn put(dir: &Path, fresh: &Path, name: &str) -> Result<(), VaultError> {
    let place = dir.join(name);
    disk::rename(fresh, &place).map_err(VaultError::disk("replace", &place))?;
    sync(dir)
}

/// Makes the names in a folder outlast a power cut.
pub(super) fn sync(dir: &Path) -> Result<(), VaultError> {
    disk::sync_dir(dir).map_err(VaultError::disk("sync", dir))
}

/// Removes what an interrupted change has left, and returns the paths of all secrets.
pub(super) fn scan(dir: &Path) -> Result<Vec<String>, VaultError> {
    let list = || fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<Vec<_>>>();
    let mut paths = Vec::new();
    for name in list().map_err(VaultError::disk("list", dir))? {
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(FRESH) {
            let fresh = dir.join(name);
            disk::remove_file(&fresh).map_err(VaultError::disk("remove", &fresh))?;
        }
        paths.extend(path_of(name));
    }
    paths.sort_unstable();
    Ok(paths)
}
