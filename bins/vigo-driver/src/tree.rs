//! Reading a `stacks/` directory.

use crate::error::system_text;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use vigo_core::limits;
use vigo_core::source::{Tree, TreeFile};

const NAME_IT: &str = "name the folder that holds your .vgo files with `--stacks DIR`";
const FETCH_IT: &str = "keep large files elsewhere, and fetch them by URL";
const READ_IT: &str = "give yourself the right to read it";

/// Bytes read at once of a file that is not kept.
const CHUNK: usize = 64 << 10;

/// A tree that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}`: {why}")]
pub struct Unreadable {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system said.
    pub why: String,
    /// What to do.
    pub help: String,
}

/// A file of a tree.
#[derive(Debug)]
pub struct Found {
    path: PathBuf,
    /// Its path in the tree.
    relative: String,
}

/// Finds all files below `stacks`, in the order of their paths, names with a leading dot left out.
///
/// # Errors
/// [`Unreadable`], for what cannot be read, a link that leads out of the tree, and a tree that has too many
/// files or holds no policy.
pub fn find(stacks: &Path) -> Result<Vec<Found>, Unreadable> {
    let root = fs::canonicalize(stacks).map_err(|e| unreadable(stacks, system_text(e), NAME_IT))?;
    if !root.is_dir() {
        return Err(unreadable(stacks, "it is no folder", NAME_IT));
    }
    let mut files = Vec::new();
    let mut entries_left = limits::TREE_FILES_MAX;
    let mut open = vec![(root.clone(), String::new())];
    while let Some((dir, prefix)) = open.pop() {
        if prefix.matches('/').count() > limits::TREE_DEPTH_MAX {
            let why = format!("it lies more than {} folders deep", limits::TREE_DEPTH_MAX);
            return Err(unreadable(&dir, why, "move it up"));
        }
        for entry in fs::read_dir(&dir).map_err(|e| unreadable(&dir, system_text(e), READ_IT))? {
            let entry = entry.map_err(|e| unreadable(&dir, system_text(e), READ_IT))?;
            let (name, path) = (entry.file_name(), entry.path());
            let Some(name) = name.to_str() else { return Err(unreadable(&path, "its name is not UTF-8", "rename it")) };
            if name.starts_with('.') {
                continue;
            }
            // Folders count, too: links can make many of a few.
            if entries_left == 0 {
                let why = format!("it holds more than {} files and folders", limits::TREE_FILES_MAX);
                return Err(unreadable(stacks, why, "move what is no policy elsewhere"));
            }
            entries_left -= 1;
            let relative = if prefix.is_empty() { name.to_string() } else { format!("{prefix}/{name}") };
            let mut kind = entry.file_type().map_err(|e| unreadable(&path, system_text(e), READ_IT))?;
            if kind.is_symlink() {
                kind = followed(&root, &path)?.file_type();
            }
            if kind.is_dir() {
                open.push((path, relative));
            } else if kind.is_file() {
                files.push(Found { path, relative });
            } else {
                let help = "remove it; a name with a leading dot is not read";
                return Err(unreadable(&path, "it is neither a file nor a folder", help));
            }
        }
    }
    if !files.iter().any(|file| file.relative.ends_with(".vgo")) {
        return Err(unreadable(stacks, "there is no .vgo file below it", NAME_IT));
    }
    files.sort_unstable_by(|a, b| a.relative.cmp(&b.relative));
    Ok(files)
}

/// Reads all files below `stacks`, as [`find`] finds them.
///
/// # Errors
/// As [`find`] and [`read`].
pub fn read_tree(stacks: &Path) -> Result<Tree, Unreadable> {
    read(&find(stacks)?)
}

/// Reads the files.
///
/// # Errors
/// [`Unreadable`], for what cannot be read, and files that are too large together.
pub fn read(files: &[Found]) -> Result<Tree, Unreadable> {
    let mut tree = Tree::default();
    let mut left = limits::TREE_BYTES_MAX;
    for found in files {
        let mut bytes = Vec::new();
        let executable = each_chunk(found, &mut left, &mut |size, chunk| {
            bytes.reserve_exact(usize::try_from(size).unwrap_or(0).saturating_sub(bytes.len()).max(chunk.len()));
            bytes.extend_from_slice(chunk);
        })?;
        tree.files.push(TreeFile { path: found.relative.as_str().into(), bytes: bytes.into(), executable });
    }
    Ok(tree)
}

/// Returns what tells the files from others, without keeping their contents: most runs need no more.
///
/// # Errors
/// As [`read`].
pub fn prints(files: &[Found]) -> Result<Vec<Print<'_>>, Unreadable> {
    let mut left = limits::TREE_BYTES_MAX;
    let print = |found| {
        let mut hash = Sha256::new();
        let executable = each_chunk(found, &mut left, &mut |_, chunk| hash.update(chunk))?;
        Ok(Print { path: &found.relative, executable, sha256: hash.finalize().into() })
    };
    files.iter().map(print).collect()
}

/// Returns the same of files that were read.
pub fn prints_of(tree: &Tree) -> Vec<Print<'_>> {
    let sha256 = |file: &TreeFile| Sha256::digest(&file.bytes).into();
    tree.files.iter().map(|f| Print { path: &f.path, executable: f.executable, sha256: sha256(f) }).collect()
}

/// What tells a file from others.
#[derive(Debug)]
pub struct Print<'a> {
    /// Its path in the tree.
    pub path: &'a str,
    /// Whether it has an executable bit.
    pub executable: bool,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
}

/// Hands a file to `take` piece by piece, with its size, and returns whether it is executable. It has at most `left` bytes,
/// which is what the tree may still have.
fn each_chunk(found: &Found, left: &mut u64, take: &mut dyn FnMut(u64, &[u8])) -> Result<bool, Unreadable> {
    let path = &found.path;
    let failed = |e| unreadable(path, system_text(e), READ_IT);
    let mut file = open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let too_large = |size: u64| {
        let why = format!("it has {size} bytes; all files together may have {}", limits::TREE_BYTES_MAX);
        Err(unreadable(path, why, FETCH_IT))
    };
    // What is too large by far is not read to find that out.
    if meta.len() > *left {
        return too_large(meta.len());
    }
    let mut buf = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let len = match file.read(&mut buf) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            other => other.map_err(failed)?,
        };
        let Some(chunk) = buf.get(..len).filter(|chunk| !chunk.is_empty()) else { break };
        size += len as u64;
        if size > *left {
            return too_large(size);
        }
        take(meta.len(), chunk);
    }
    *left -= size;
    Ok(is_executable(&meta))
}

/// Opens a file; nothing waits for the other end of a pipe that has just taken its place.
#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32).open(path)
}

#[cfg(windows)]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn is_executable(meta: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(meta) & 0o111 != 0
}

/// Nothing is, where there are no modes.
#[cfg(windows)]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

/// Returns the metadata of what a link leads to, which must lie in the tree and be no folder above the link.
fn followed(root: &Path, path: &Path) -> Result<fs::Metadata, Unreadable> {
    let broken = |e| unreadable(path, format!("it is a link: {}", system_text(e)), "repair or remove the link");
    let to: PathBuf = fs::canonicalize(path).map_err(broken)?;
    if !to.starts_with(root) {
        let why = format!("it is a link that leaves the tree, to `{}`", to.display());
        return Err(unreadable(path, why, "copy the file into the tree"));
    }
    if path.starts_with(&to) {
        return Err(unreadable(path, "it is a link to a folder that holds it", "remove the link"));
    }
    fs::metadata(&to).map_err(broken)
}

fn unreadable(path: &Path, why: impl Into<String>, help: &str) -> Unreadable {
    Unreadable { path: path.into(), why: why.into(), help: help.into() }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("vigo-tree-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(dir.join("configcrates")).unwrap();
            fs::write(dir.join("envoys.vgo"), "envoys: []\n").unwrap();
            Self(dir)
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn files_are_read_with_their_paths_and_links_within_the_tree() {
        let dir = Dir::new("whole");
        fs::write(dir.0.join("configcrates/a.vgo"), b"\xff\0").unwrap();
        fs::write(dir.0.join(".hidden.vgo"), "x").unwrap();
        symlink("envoys.vgo", dir.0.join("again.vgo")).unwrap();
        let large = "x".repeat(3 * CHUNK + 1);
        fs::write(dir.0.join("large"), &large).unwrap();
        let found = find(&dir.0).unwrap();
        let (tree, prints) = (read(&found).unwrap(), prints(&found).unwrap());
        let files: Vec<_> = tree.files.iter().map(|f| (&*f.path, &*f.bytes)).collect();
        let expected: [(&str, &[u8]); 4] = [
            ("again.vgo", b"envoys: []\n"),
            ("configcrates/a.vgo", b"\xff\0"),
            ("envoys.vgo", b"envoys: []\n"),
            ("large", large.as_bytes()),
        ];
        assert_eq!(files, expected);
        let expected = files.into_iter().map(|(path, bytes)| (path, <[u8; 32]>::from(Sha256::digest(bytes))));
        assert!(prints.iter().map(|p| (p.path, p.sha256)).eq(expected), "{prints:?}");
    }

    #[test]
    fn what_is_no_tree_is_refused_with_the_place_and_what_to_do() {
        type Make = fn(&Path);
        let cases: [(&str, Make, &str); 9] = [
            ("no policy", |d| fs::remove_file(d.join("envoys.vgo")).unwrap(), "no .vgo file"),
            ("a file", |d| _ = (fs::remove_dir_all(d).unwrap(), fs::write(d, "").unwrap()), "it is no folder"),
            ("not there", |d| fs::remove_dir_all(d).unwrap(), "no such file"),
            ("a link to nowhere", |d| symlink("nowhere", d.join("x")).unwrap(), "x`: it is a link"),
            ("a link out", |d| symlink("/etc/passwd", d.join("x")).unwrap(), "`/etc/passwd`"),
            ("a link to above", |d| symlink("..", d.join("configcrates/x")).unwrap(), "holds it"),
            (
                "a pipe",
                |d| {
                    let mode = rustix::fs::Mode::RUSR;
                    rustix::fs::mknodat(rustix::fs::CWD, d.join("x"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
                },
                "x`: it is neither a file nor a folder",
            ),
            (
                "a file that is too large",
                |d| File::create(d.join("x")).unwrap().set_len(1 << 40).unwrap(),
                "x`: it has 1099511627776 bytes",
            ),
            (
                "too deep",
                |d| fs::create_dir_all(d.join("d/".repeat(limits::TREE_DEPTH_MAX + 2))).unwrap(),
                "more than 32 folders deep",
            ),
        ];
        for (name, make, expected) in cases {
            let dir = Dir::new("refused");
            make(&dir.0);
            let error = read_tree(&dir.0).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(expected) && !error.help.is_empty(), "{name}: {text}");
            let _ = fs::remove_file(&dir.0);
        }
    }

    #[test]
    fn links_do_not_make_many_folders_of_a_few() {
        let dir = Dir::new("links");
        for level in 0..30 {
            let folder = dir.0.join(format!("l{level:02}"));
            fs::create_dir(&folder).unwrap();
            for name in ["a", "b", "c"] {
                symlink(format!("../l{:02}", level + 1), folder.join(name)).unwrap();
            }
        }
        fs::create_dir(dir.0.join("l30")).unwrap();
        let text = read_tree(&dir.0).unwrap_err().to_string();
        assert!(text.contains("more than 100000 files and folders"), "{text}");
    }
}
