//! Putting a file of a tree in place: whole or not at all.

use crate::error::CliError;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};
use vigo_core::source::{Tree, TreeFile};
use vigo_driver::system_text;

/// Returns the tree with another text in the place of a file, or with a file more.
pub(super) fn with(tree: &Tree, path: &str, text: &str) -> Tree {
    let mut tree = tree.clone();
    match tree.files.iter_mut().find(|file| *file.path == *path) {
        Some(file) => file.bytes = text.as_bytes().into(),
        None => tree.files.push(TreeFile { path: path.into(), bytes: text.as_bytes().into(), executable: false }),
    }
    tree
}

/// Puts a text in the place of a file, unless the file is not any more what it was read as; `before` is `None` where there
/// was none.
pub(super) fn replace(path: &Path, before: Option<&[u8]>, text: &str) -> Result<(), CliError> {
    let failed = |why| CliError::File { what: "write", path: path.into(), why };
    // What a link leads to is replaced, not the link.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let now = match fs::read(&real) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(system_text(error))),
    };
    if now.as_deref() != before {
        return Err(failed("somebody else has changed it meanwhile".into()));
    }
    let temporary = beside(&real);
    let written = (|| {
        if let Some(parent) = real.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = File::create_new(&temporary)?;
        file.write_all(text.as_bytes())?;
        if let Ok(meta) = fs::metadata(&real) {
            // Only root can give a file away; others write files of their own.
            let _ = fchown(&file, Some(meta.uid()), Some(meta.gid()));
            file.set_permissions(meta.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&temporary, &real)?;
        // The name is on the disk when its folder is.
        real.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        failed(system_text(error))
    })
}

/// Returns a name beside a file that no tree holds: one with a dot before it.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}
