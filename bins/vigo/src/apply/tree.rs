//! Reading a `stacks/` directory.

use super::ApplyError;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use vigo_core::limits;
use vigo_core::source::{Tree, TreeFile};

/// Reads all files below `stacks`, names with a leading dot left out.
///
/// # Errors
/// [`ApplyError::Unreadable`], for what cannot be read, a link that leads out of the tree, and a tree that is too large.
pub(super) fn read(stacks: &Path) -> Result<Tree, ApplyError> {
    let root = fs::canonicalize(stacks).map_err(|e| ApplyError::Unreadable {
        path: stacks.into(),
        why: e.to_string(),
        help: Some("name the folder that holds your .vgo files with `--stacks DIR`".into()),
    })?;
    let mut tree = Tree::default();
    let mut bytes: u64 = 0;
    let mut open = vec![(root.clone(), String::new())];
    while let Some((dir, prefix)) = open.pop() {
        if prefix.matches('/').count() > limits::TREE_DEPTH_MAX {
            return Err(unreadable(&dir, "it lies too deep", None));
        }
        let entries = fs::read_dir(&dir).map_err(|e| unreadable(&dir, &e.to_string(), None))?;
        for entry in entries {
            let entry = entry.map_err(|e| unreadable(&dir, &e.to_string(), None))?;
            let name = entry.file_name();
            let path = entry.path();
            let Some(name) = name.to_str() else {
                return Err(unreadable(&path, "its name is not UTF-8", Some("rename it")));
            };
            if name.starts_with('.') {
                continue;
            }
            let relative = if prefix.is_empty() { name.to_string() } else { format!("{prefix}/{name}") };
            let mut kind = entry.file_type().map_err(|e| unreadable(&path, &e.to_string(), None))?;
            if kind.is_symlink() {
                kind = followed(&root, &path)?.file_type();
            }
            if kind.is_dir() {
                open.push((path, relative));
            } else if kind.is_file() {
                let file = file(&path, relative)?;
                bytes += file.bytes.len() as u64;
                if bytes > limits::TREE_BYTES_MAX || tree.files.len() >= limits::TREE_FILES_MAX {
                    let why = "the tree is too large";
                    return Err(unreadable(stacks, why, Some("keep large files elsewhere, and fetch them by URL")));
                }
                tree.files.push(file);
            }
        }
    }
    Ok(tree)
}

fn file(path: &Path, relative: String) -> Result<TreeFile, ApplyError> {
    let read = || -> std::io::Result<TreeFile> {
        let executable = fs::metadata(path)?.permissions().mode() & 0o111 != 0;
        Ok(TreeFile { path: relative.into(), bytes: fs::read(path)?.into(), executable })
    };
    read().map_err(|e| unreadable(path, &e.to_string(), None))
}

/// Returns the metadata of what a link leads to, which must lie in the tree and be no folder above the link.
fn followed(root: &Path, path: &Path) -> Result<fs::Metadata, ApplyError> {
    let to: PathBuf = fs::canonicalize(path).map_err(|e| unreadable(path, &e.to_string(), None))?;
    if !to.starts_with(root) {
        let why = format!("it is a link that leaves the tree, to `{}`", to.display());
        return Err(unreadable(path, &why, Some("copy the file into the tree")));
    }
    if path.starts_with(&to) {
        return Err(unreadable(path, "it is a link to a folder that holds it", Some("remove the link")));
    }
    fs::metadata(&to).map_err(|e| unreadable(path, &e.to_string(), None))
}

fn unreadable(path: &Path, why: &str, help: Option<&str>) -> ApplyError {
    ApplyError::Unreadable { path: path.into(), why: why.into(), help: help.map(str::to_string) }
}
