//! What publishing does to the disk, one step after another.

use super::PublishError;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

type Done = Result<(), PublishError>;

/// One step, before it is done.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) kind: Kind,
    pub(super) path: &'a Path,
}

/// What is done in a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A folder is made.
    MakeDir,
    /// A file is made and written.
    Write,
    /// A file gets this name besides.
    Link,
    /// What a file or folder holds reaches the disk.
    Sync,
    /// A symbolic link is made.
    Symlink,
    /// This name becomes that of something else.
    Rename,
    /// A name goes, of a folder with all in it.
    Remove,
}

impl Kind {
    const fn verb(self) -> &'static str {
        match self {
            Self::MakeDir | Self::Symlink => "make",
            Self::Write => "write",
            Self::Link => "link",
            Self::Sync => "sync",
            Self::Rename => "replace",
            Self::Remove => "remove",
        }
    }
}

/// Is told of each step before it is done, and may refuse it. Tests die there.
type Watch = Box<dyn FnMut(Step<'_>) -> io::Result<()> + Send>;

/// The disk, and what is written but may not be on it yet.
pub(super) struct Disk {
    watch: Watch,
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Disk {
    pub(super) fn new(watch: Watch) -> Self {
        Self { watch, files: Vec::new(), folders: Vec::new() }
    }

    fn step(&mut self, kind: Kind, path: &Path, act: impl FnOnce() -> io::Result<()>) -> Done {
        let step = Step { kind, path };
        (self.watch)(step).and_then(|()| act()).map_err(PublishError::disk(step.kind.verb(), step.path))
    }

    /// Makes a folder that is not there.
    pub(super) fn make_dir(&mut self, path: &Path) -> Done {
        self.step(Kind::MakeDir, path, || DirBuilder::new().mode(0o700).create(path))?;
        self.folders.push(path.into());
        Ok(())
    }

    /// Makes a file that is not there and will not be written again. Where `like` is the same it is that very file.
    pub(super) fn write(&mut self, path: &Path, bytes: &[u8], executable: bool, like: Option<&Path>) -> Done {
        let mode = if executable { 0o500 } else { 0o400 };
        if let Some(like) = like.filter(|like| is(like, bytes, mode)) {
            let mut linked = Ok(());
            self.step(Kind::Link, path, || {
                linked = fs::hard_link(like, path);
                Ok(())
            })?;
            // Not every file system has links, and a file may have too many.
            if linked.is_ok() {
                return Ok(());
            }
        }
        self.step(Kind::Write, path, || {
            OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?.write_all(bytes)
        })?;
        self.files.push(path.into());
        Ok(())
    }

    /// Waits until all that was made is on disk: the files, then the folders from the innermost outwards.
    pub(super) fn sync(&mut self) -> Done {
        let (files, folders) = (std::mem::take(&mut self.files), std::mem::take(&mut self.folders));
        files.iter().chain(folders.iter().rev()).try_for_each(|path| self.sync_one(path))
    }

    /// Waits until a file, or the names in a folder, are on disk.
    pub(super) fn sync_one(&mut self, path: &Path) -> Done {
        self.step(Kind::Sync, path, || File::open(path)?.sync_all())
    }

    /// Makes the symbolic link `path` lead to `target`, whatever it led to: in one step. It lasts once the folder is
    /// synced.
    pub(super) fn lead(&mut self, path: &Path, target: &Path) -> Done {
        let fresh = path.with_extension("new");
        self.step(Kind::Symlink, &fresh, || {
            unless_missing(fs::remove_file(&fresh))?;
            symlink(target, &fresh)
        })?;
        self.rename(&fresh, path)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Done {
        self.step(Kind::Rename, to, || fs::rename(from, to))
    }

    /// Removes a name.
    pub(super) fn unlink(&mut self, path: &Path) -> Done {
        self.step(Kind::Remove, path, || fs::remove_file(path))
    }

    /// Removes a folder and all in it, if it is there.
    pub(super) fn remove(&mut self, path: &Path) -> Done {
        self.files.clear();
        self.folders.clear();
        self.step(Kind::Remove, path, || unless_missing(fs::remove_dir_all(path)))
    }
}

fn unless_missing(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

/// Returns whether a file holds these bytes, with this mode.
fn is(path: &Path, bytes: &[u8], mode: u32) -> bool {
    let Ok(meta) = fs::symlink_metadata(path) else { return false };
    let same = meta.is_file() && meta.len() == bytes.len() as u64 && meta.permissions().mode() & 0o7777 == mode;
    same && fs::read(path).is_ok_and(|found| found == bytes)
}
