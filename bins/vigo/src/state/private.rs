//! Directories and files that hold what was in others' files: nobody but their owner looks into them.

use std::fs::File;
use std::io;
use std::path::Path;
use vigo_driver::disk;

/// Makes a directory with those above it, 0700, unless it is there.
#[cfg(unix)]
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a new file, 0600.
///
/// # Errors
/// What the system says; also when there is one.
#[cfg(unix)]
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Makes a directory with those above it, which is nobody's business but the system's, administrators' and its owner's,
/// unless it is there.
#[cfg(windows)]
pub(crate) use crate::windows::make_dir;

/// Makes a new file that is nobody else's business.
///
/// # Errors
/// What the system says; also when there is one.
#[cfg(windows)]
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    crate::windows::new_file(path, crate::windows::Reader::Own)
}

/// Opens a file for reading and writing; one that is made is 0600, and one that others can read is brought to that.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    match new_file(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = file.metadata()?.permissions();
        if permissions.mode() & 0o077 != 0 {
            permissions.set_mode(0o600);
            file.set_permissions(permissions)?;
        }
    }
    Ok(file)
}

/// Writes a file of ours beside its place and moves it there, so that it is whole or what it was. It may be lost with the
/// power: for what can be made again.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let file = open_file(&fresh)?;
    file.set_len(0)?;
    io::Write::write_all(&mut &file, bytes)?;
    // Windows moves no file that is open.
    drop(file);
    std::fs::rename(&fresh, path)
}

/// Writes a file as [`replace_file`] does, and it is on disk when this returns.
pub(crate) fn replace_file_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = disk::step(|| open_file(&fresh))?;
    disk::step(|| file.set_len(0))?;
    disk::write(&mut file, bytes)?;
    disk::sync(&file)?;
    drop(file);
    disk::rename(&fresh, path)?;
    #[cfg(unix)]
    if let Some(dir) = path.parent() {
        disk::sync_dir(dir)?;
    }
    Ok(())
}
