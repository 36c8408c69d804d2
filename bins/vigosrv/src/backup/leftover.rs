//! What killed runs have left: keys lie in it.

use super::ArchiveError;
use super::pack::is_archive;
use super::stage::remove;
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

/// What the folder begins with in which a backup is looked at.
pub(super) const SCRATCH: &str = ".vigo-verify-";

/// What was made just now may not be held yet.
const YOUNG: Duration = Duration::from_secs(60);

/// Keeps others from clearing a file or folder away, while what is returned is held.
pub(super) fn hold(path: &Path) -> Result<File, ArchiveError> {
    let held = File::open(path).map_err(ArchiveError::file("open", path))?;
    // Where the file system has no locks nobody gets one, and nothing is cleared away.
    let _ = held.try_lock();
    Ok(held)
}

/// Removes what killed runs have left in a folder: what has their names, and nobody holds.
pub(super) fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let Some((what, pid)) = name.to_str().and_then(|name| name.rsplit_once(['.', '-'])) else { continue };
        let is_ours = what == SCRATCH.trim_end_matches('-') || what.strip_prefix('.').is_some_and(is_archive);
        if !is_ours || pid.is_empty() || !pid.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        let is_young = meta.modified().ok().and_then(|at| at.elapsed().ok()).is_none_or(|age| age < YOUNG);
        if is_young || meta.is_symlink() || File::open(&path).is_ok_and(|file| file.try_lock().is_err()) {
            continue;
        }
        let removed = match meta.is_dir() {
            true => remove(&path),
            false => fs::remove_file(&path).map_err(ArchiveError::file("remove", &path)),
        };
        match removed {
            Ok(()) => tracing::info!("`{}`, which a killed run has left, is taken away", path.display()),
            Err(error) => tracing::warn!("a killed run has left something with keys in it: {error}"),
        }
    }
}
