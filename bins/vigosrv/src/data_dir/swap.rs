//! What was restored, put in the place of what is there.
//!
//! It lies in `restore.new/`, whole and looked at. The journal `restore-journal` says what goes where: once that is on the disk
//! the restore is done, and [`finish`] only moves; before it nothing has happened. Whoever takes the directory calls it first,
//! so that a kill at any moment leaves either what was there or what was restored. What was there is in `restore.old/`.

use super::{DataDirError, private};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use vigo_driver::disk;

/// Where what is restored lies before it is put in its place.
pub const FRESH: &str = "restore.new";

/// Where what was there goes.
pub const OLD: &str = "restore.old";

/// What says that it is to be put in its place.
pub(super) const JOURNAL: &str = "restore-journal";

/// The number of the format.
const FORMAT: u32 = 1;

/// One step of it. Paths go from the data directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Move {
    /// What lies at the first path, in [`FRESH`], takes the place at the second.
    Put(String, String),
    /// What lies there goes.
    Away(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Journal {
    format: u32,
    moves: Vec<Move>,
}

/// Is told of each step before it is done, and may refuse it. Tests die there.
pub type Watch<'a> = &'a mut dyn FnMut(&str, &Path) -> io::Result<()>;

/// Decides that `moves` are made: when this returns they are, or [`finish`] makes them.
///
/// # Errors
/// [`DataDirError::File`]; where that is of the journal, nothing has happened.
pub fn commit(root: &Path, moves: Vec<Move>, watch: Watch<'_>) -> Result<(), DataDirError> {
    let journal = root.join(JOURNAL);
    let text = serde_json::to_string(&Journal { format: FORMAT, moves }).unwrap_or_default();
    step(watch, "write", &journal, || Ok(()))?;
    private::replace(&journal, text.as_bytes())?;
    finish(root, watch).map(drop)
}

/// Makes the moves that were decided, where there are some. Returns whether there were.
///
/// # Errors
/// [`DataDirError`]; the next call goes on where this one stopped.
pub fn finish(root: &Path, watch: Watch<'_>) -> Result<bool, DataDirError> {
    let path = root.join(JOURNAL);
    let (fresh, old) = (root.join(FRESH), root.join(OLD));
    if !path.exists() {
        // A restore that was killed while it unpacked: keys lie in it.
        step(watch, "remove", &fresh, || unless_missing(fs::remove_dir_all(&fresh)))?;
        return Ok(false);
    }
    let journal: Result<Journal, _> = serde_json::from_str(&private::read(&path)?);
    let damaged = |why: String| DataDirError::Damaged { path: path.clone(), why };
    let Journal { format, moves } = journal.map_err(|e| damaged(e.to_string()))?;
    if format != FORMAT {
        return Err(damaged(format!("expected format {FORMAT}, found {format}: a later vigosrv wrote it")));
    }
    let mut folders = BTreeSet::new();
    for one in &moves {
        let (from, place) = match one {
            Move::Put(from, place) => (Some(fresh.join(from)), place),
            Move::Away(place) => (None, place),
        };
        let (to, aside) = (root.join(place), old.join(place));
        folders.extend([&to, &aside].into_iter().filter_map(|path| path.parent()).map(Path::to_path_buf));
        // What is not there any more has been moved before.
        let is_due = from.as_ref().is_none_or(|from| fs::symlink_metadata(from).is_ok());
        if is_due && fs::symlink_metadata(&to).is_ok() && fs::symlink_metadata(&aside).is_err() {
            make_parent(&aside)?;
            step(watch, "move", &to, || fs::rename(&to, &aside))?;
        }
        if let Some(from) = from.filter(|_| is_due) {
            make_parent(&to)?;
            step(watch, "place", &to, || fs::rename(&from, &to))?;
        }
    }
    for folder in folders.iter().filter(|folder| folder.exists()) {
        step(watch, "sync", folder, || fs::File::open(folder)?.sync_all())?;
    }
    step(watch, "remove", &path, || fs::remove_file(&path))?;
    private::sync(root)?;
    step(watch, "remove", &fresh, || unless_missing(fs::remove_dir_all(&fresh)))?;
    Ok(true)
}

fn step(
    watch: Watch<'_>,
    what: &'static str,
    path: &Path,
    act: impl FnOnce() -> io::Result<()>,
) -> Result<(), DataDirError> {
    watch(what, path).and_then(|()| disk::step(act)).map_err(DataDirError::file(what, path))
}

fn make_parent(path: &Path) -> Result<(), DataDirError> {
    path.parent().map_or(Ok(()), private::make_dir)
}

fn unless_missing(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|e| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(e) })
}
