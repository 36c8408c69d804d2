//! What is to be in a backup, laid beside: from then on the server may go on.

use super::{ArchiveError, Places};
use crate::agents::Agents;
use crate::store::{Facts, Store};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use vigo_core::backup::{BackupCopy, BackupFile, Part, part_of};

/// What is to be in a backup. It lies in a folder that goes with this.
pub(super) struct Staged {
    dir: PathBuf,
    /// Names that were given away in it.
    names: usize,
    pub(super) files: Vec<StagedFile>,
    pub(super) copies: Vec<BackupCopy>,
    pub(super) left_out: Vec<String>,
    pub(super) parts: BTreeSet<Part>,
    pub(super) facts: Facts,
}

/// A file that is to be in it.
pub(super) struct StagedFile {
    /// Where it lies in the archive.
    pub(super) path: String,
    /// Where it lies now.
    pub(super) at: PathBuf,
    mode: u32,
    size: u64,
}

/// How a file is laid beside.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// It may be written to while the backup is made.
    Copied,
    /// It is only ever replaced by another.
    Linked,
}

/// Paths that are named of what is left out.
const LEFT_OUT_MAX: usize = 1000;

impl Drop for Staged {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.dir) {
            tracing::warn!("what was laid beside for a backup stays until the next: {error}");
        }
    }
}

/// Lays everything beside. Nothing is published, and no key and no secret changed meanwhile.
pub(super) fn stage(
    places: &Places,
    store: &Store,
    agents: &Agents,
    live: Option<u64>,
    blobs: bool,
) -> Result<Staged, ArchiveError> {
    let dir = places.root.join("run").join("backup.new");
    remove(&dir)?;
    make_dir(&dir)?;
    let mut staged = Staged {
        dir: dir.clone(),
        names: 0,
        files: Vec::new(),
        copies: Vec::new(),
        left_out: Vec::new(),
        parts: Part::ALL.into_iter().filter(|part| blobs || *part != Part::Blobs).collect(),
        facts: Facts::default(),
    };
    let root = &places.root;
    // The database first, and the ids that never come back last: there are no fewer of these than it has.
    let database = dir.join("vigo.db");
    store.snapshot(&database)?;
    staged.facts = Facts::of(&database)?;
    staged.take(&root.join("server.yaml"), "server.yaml", How::Copied)?;
    let tls = staged.files.len();
    staged.take(&root.join("tls"), "tls", How::Copied)?;
    staged.take(&places.secrets, "secrets", How::Copied)?;
    staged.take(&root.join("stacks"), "stacks", How::Copied)?;
    let history = root.join("history");
    let mut seen = BTreeMap::new();
    for id in entries(&history, live)? {
        let from = staged.files.len();
        staged.take(&history.join(id.to_string()), &format!("history/{id}"), How::Linked)?;
        staged.share(from, &mut seen)?;
    }
    let size = fs::metadata(&database).map_err(ArchiveError::file("look at", &database))?.len();
    staged.files.push(StagedFile { path: "db/vigo.db".into(), at: database, mode: 0o600, size });
    if blobs {
        agents.while_none_is_added(|| staged.take(&root.join("blobs"), "blobs", How::Linked))?;
    }
    let revoked = root.join("tls").join("revoked");
    let at = staged.files.iter().skip(tls).position(|file| file.path == "tls/revoked").map(|at| at + tls);
    if let Some(file) = at.and_then(|at| staged.files.get_mut(at)) {
        fs::remove_file(&file.at).map_err(ArchiveError::file("remove", &file.at))?;
        file.size = copy(&revoked, &file.at).map_err(ArchiveError::file("copy", &revoked))?;
    }
    Ok(staged)
}

impl Staged {
    /// Returns what the manifest says of the files.
    pub(super) fn digested(&self, told: &mut dyn FnMut(u64)) -> Result<Vec<BackupFile>, ArchiveError> {
        let digest = |file: &StagedFile| {
            let failed = || ArchiveError::file("read", &file.at);
            let mut from = File::open(&file.at).map_err(failed())?;
            let (mut hash, mut size, mut piece) = (Sha256::new(), 0, vec![0; 256 << 10]);
            loop {
                let read = from.read(&mut piece).map_err(failed())?;
                let Some(read) = piece.get(..read).filter(|read| !read.is_empty()) else { break };
                hash.update(read);
                size += read.len() as u64;
                told(read.len() as u64);
            }
            Ok(BackupFile { path: file.path.clone(), mode: file.mode, size, sha256: hash.finalize().into() })
        };
        self.files.iter().map(digest).collect()
    }

    /// Returns the bytes of all files.
    pub(super) fn total(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// Takes a file or folder under the name `path`.
    fn take(&mut self, from: &Path, path: &str, how: How) -> Result<(), ArchiveError> {
        let meta = match fs::symlink_metadata(from) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            meta => meta.map_err(ArchiveError::file("look at", from))?,
        };
        if meta.is_dir() {
            let list = || fs::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
            let mut names = list().map_err(ArchiveError::file("list", from))?;
            names.sort_unstable();
            for name in names {
                match name.to_str() {
                    Some(text) if is_passing(path, text) => {}
                    Some(text) => self.take(&from.join(text), &format!("{path}/{text}"), how)?,
                    None => self.leave_out(&from.join(name)),
                }
            }
            return Ok(());
        }
        if !meta.is_file() || part_of(path).is_err() {
            self.leave_out(from);
            return Ok(());
        }
        let at = self.dir.join(self.names.to_string());
        self.names += 1;
        let linked = how == How::Linked && fs::hard_link(from, &at).is_ok();
        let size = if linked { Ok(meta.len()) } else { copy(from, &at) };
        let size = match size {
            // An editor has taken it away meanwhile.
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            size => size.map_err(ArchiveError::file("copy", from))?,
        };
        let mode = meta.permissions().mode() & 0o777;
        self.files.push(StagedFile { path: path.to_owned(), at, mode, size });
        Ok(())
    }

    /// Makes copies of the files, from number `from` on, that are one with a file before.
    fn share(&mut self, from: usize, seen: &mut BTreeMap<(u64, u64), String>) -> Result<(), ArchiveError> {
        for file in self.files.split_off(from) {
            let meta = fs::metadata(&file.at).map_err(ArchiveError::file("look at", &file.at))?;
            let key = (meta.dev(), meta.ino());
            match seen.get(&key) {
                Some(of) => {
                    fs::remove_file(&file.at).map_err(ArchiveError::file("remove", &file.at))?;
                    self.copies.push(BackupCopy { path: file.path, of: of.clone() });
                }
                None => {
                    seen.insert(key, file.path.clone());
                    self.files.push(file);
                }
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, path: &Path) {
        tracing::warn!("`{}` is not in the backup: it is no file with a plain name", path.display());
        if self.left_out.len() < LEFT_OUT_MAX {
            self.left_out.push(path.display().to_string());
        }
    }
}

/// Returns whether a name is of something half done, or of what no other server is to have.
fn is_passing(folder: &str, name: &str) -> bool {
    match folder {
        "tls" => name.ends_with(".new") || ["restored", "opened"].contains(&name),
        "secrets" => name.starts_with(".new-"),
        "blobs" | "blobs/agents" => name == ".new",
        _ => false,
    }
}

/// Returns the numbers of the publishes, the live one first, then the newest.
fn entries(history: &Path, live: Option<u64>) -> Result<Vec<u64>, ArchiveError> {
    let list = || fs::read_dir(history)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
    let names = list().map_err(ArchiveError::file("list", history))?;
    let number = |name: &std::ffi::OsString| {
        let name = name.to_str()?;
        name.parse().ok().filter(|id: &u64| id.to_string() == name)
    };
    let mut found: Vec<u64> = names.iter().filter_map(number).collect();
    found.sort_unstable_by_key(|id| (Some(*id) != live, std::cmp::Reverse(*id)));
    Ok(found)
}

/// Copies a file to one that is not there yet, 0600, and returns its size.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let mut options = OpenOptions::new();
    let mut to = options.write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut to)
}

pub(super) fn make_dir(path: &Path) -> Result<(), ArchiveError> {
    DirBuilder::new().mode(0o700).create(path).map_err(ArchiveError::file("make", path))
}

/// Removes a folder and all in it, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), ArchiveError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(ArchiveError::file("remove", path)(e)),
        _ => Ok(()),
    }
}
