//! Reading a `stacks/` directory.

use super::ApplyError;
use crate::executor::system_text;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use vigo_core::limits;
use vigo_core::source::{Tree, TreeFile};

const NAME_IT: &str = "name the folder that holds your .vgo files with `--stacks DIR`";
const FETCH_IT: &str = "keep large files elsewhere, and fetch them by URL";
const READ_IT: &str = "give yourself the right to read it";

/// Reads all files below `stacks`, names with a leading dot left out.
///
/// # Errors
/// [`ApplyError::Unreadable`], for what cannot be read, a link that leads out of the tree, and a tree that is too large
/// or holds no policy.
pub(super) fn read(stacks: &Path) -> Result<Tree, ApplyError> {
    let root = fs::canonicalize(stacks).map_err(|e| unreadable(stacks, system_text(e), NAME_IT))?;
    if !root.is_dir() {
        return Err(unreadable(stacks, "it is no folder", NAME_IT));
    }
    let mut tree = Tree::default();
    let mut left = limits::TREE_BYTES_MAX;
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
                let file = file(&path, relative, left)?;
                left -= file.bytes.len() as u64;
                tree.files.push(file);
            } else {
                let help = "remove it; a name with a leading dot is not read";
                return Err(unreadable(&path, "it is neither a file nor a folder", help));
            }
        }
    }
    if !tree.files.iter().any(|file| file.path.ends_with(".vgo")) {
        return Err(unreadable(stacks, "there is no .vgo file below it", NAME_IT));
    }
    Ok(tree)
}

/// Reads a file of at most `bytes_max`, which is what the tree may still have.
fn file(path: &Path, relative: String, bytes_max: u64) -> Result<TreeFile, ApplyError> {
    let failed = |e| unreadable(path, system_text(e), READ_IT);
    // Nothing waits for the other end of a pipe that has just taken the file's place.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let mut bytes = Vec::new();
    // What is too large by far is not read to find that out.
    let size = match meta.len() {
        size if size > bytes_max => size,
        _ => file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)? as u64,
    };
    if size > bytes_max {
        let why = format!("it has {size} bytes; all files together may have {}", limits::TREE_BYTES_MAX);
        return Err(unreadable(path, why, FETCH_IT));
    }
    Ok(TreeFile { path: relative.into(), bytes: bytes.into(), executable: meta.mode() & 0o111 != 0 })
}

/// Returns the metadata of what a link leads to, which must lie in the tree and be no folder above the link.
fn followed(root: &Path, path: &Path) -> Result<fs::Metadata, ApplyError> {
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

fn unreadable(path: &Path, why: impl Into<String>, help: &str) -> ApplyError {
    ApplyError::Unreadable { path: path.into(), why: why.into(), help: help.into() }
}

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
        let mut paths: Vec<_> = read(&dir.0).unwrap().files.into_iter().map(|f| f.path.to_string()).collect();
        paths.sort();
        assert_eq!(paths, ["again.vgo", "configcrates/a.vgo", "envoys.vgo"]);
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
            let error = read(&dir.0).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(expected) && error.help().is_some(), "{name}: {text}");
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
        let text = read(&dir.0).unwrap_err().to_string();
        assert!(text.contains("more than 100000 files and folders"), "{text}");
    }
}
