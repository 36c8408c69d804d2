//! Files and folders that are nobody else's.

use super::DataDirError;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use vigo_driver::disk;

/// Bytes of a file of keys or certificates: a chain of the longest is a tenth.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Makes a folder, 0700, unless it is there.
pub(super) fn make_dir(path: &Path) -> Result<(), DataDirError> {
    disk::step(|| DirBuilder::new().recursive(true).mode(0o700).create(path)).map_err(DataDirError::file("make", path))
}

/// Takes the rights of group and others away from a folder.
pub(super) fn tighten(path: &Path) -> Result<(), DataDirError> {
    let mut permissions = fs::metadata(path).map_err(DataDirError::file("look at", path))?.permissions();
    if permissions.mode() & 0o077 == 0 {
        return Ok(());
    }
    permissions.set_mode(permissions.mode() & 0o7700);
    fs::set_permissions(path, permissions).map_err(DataDirError::file("take others' rights from", path))
}

/// Writes a file, 0600, that is not there yet; it is on the disk when this returns, its name when the folder is synced.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let written = disk::step(|| options.open(path)).and_then(|mut file| {
        disk::write(&mut file, bytes)?;
        disk::sync(&file)
    });
    written.map_err(DataDirError::file("write", path))
}

/// Writes a file beside its place and moves it there.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
    let fresh = path.with_extension("new");
    disk::remove_file(&fresh).map_err(DataDirError::file("remove", &fresh))?;
    create(&fresh, bytes)?;
    disk::rename(&fresh, path).map_err(DataDirError::file("write", path))?;
    sync(path.parent().unwrap_or(path))
}

/// Makes the names in a folder outlast a power cut.
pub(super) fn sync(dir: &Path) -> Result<(), DataDirError> {
    disk::sync_dir(dir).map_err(DataDirError::file("sync", dir))
}

/// Reads a text that nobody else may read.
pub(super) fn read_key(path: &Path) -> Result<String, DataDirError> {
    let file = File::open(path).map_err(DataDirError::file("read", path))?;
    refuse_readable(path, &file)?;
    text(path, file)
}

/// Refuses a file that others may read.
pub(super) fn refuse_readable(path: &Path, file: &File) -> Result<(), DataDirError> {
    let mode = file.metadata().map_err(DataDirError::file("read", path))?.permissions().mode() & 0o7777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(DataDirError::Readable { path: path.to_owned(), mode }),
    }
}

/// Refuses a folder in which others may write: they could put other keys in the place of the server's.
pub(super) fn refuse_writable(path: &Path) -> Result<(), DataDirError> {
    let mode = fs::metadata(path).map_err(DataDirError::file("look at", path))?.permissions().mode() & 0o7777;
    match mode & 0o022 {
        0 => Ok(()),
        _ => Err(DataDirError::Writable { path: path.to_owned(), mode }),
    }
}

/// Reads a text.
pub(super) fn read(path: &Path) -> Result<String, DataDirError> {
    text(path, File::open(path).map_err(DataDirError::file("read", path))?)
}

fn text(path: &Path, file: File) -> Result<String, DataDirError> {
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(DataDirError::file("read", path))?;
    Ok(text)
}
