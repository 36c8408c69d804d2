//! The trees that an editor works on: what lies on the disk, and over it what is open.

use super::check::Checked;
use super::document::Document;
use super::uri;
use gen_lsp_types::Uri;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use vigo_core::editor::Workspace;
use vigo_core::source::TreeFile;

/// What stands in the root of a tree, and nowhere else.
const OF_ROOT: [&str; 3] = ["configcrates", "usercrates", "roles.vgo"];

/// A tree.
pub(super) struct Tree {
    /// Its folder.
    pub(super) root: PathBuf,
    pub(super) workspace: Workspace,
    /// The documents that are open, by their path in the tree.
    pub(super) open: BTreeMap<Arc<str>, Document>,
    /// The files that something was said of.
    pub(super) published: BTreeSet<Arc<str>>,
    /// What was found last.
    pub(super) checked: Option<Box<Checked>>,
    /// When it is to be checked again.
    pub(super) due: Option<Instant>,
    /// Whether files may have changed that are not open.
    pub(super) is_stale: bool,
    /// Why they could not be read, until it was told.
    pub(super) problem: Option<String>,
}

impl Tree {
    /// Returns a tree whose files are still to be read.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            workspace: Workspace::default(),
            open: BTreeMap::new(),
            published: BTreeSet::new(),
            checked: None,
            due: None,
            is_stale: true,
            problem: None,
        }
    }

    /// Reads the files anew, if some may have changed. Where that fails, what is open counts all the same.
    pub(super) fn refresh(&mut self) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        let files = match vigo_driver::read_tree(&self.root) {
            Ok(tree) => tree.files,
            Err(error) => {
                // What was read before is better than nothing.
                self.problem = Some(format!("{error}: {}", error.help));
                return;
            }
        };
        let there: BTreeSet<&Arc<str>> = files.iter().map(|f| &f.path).collect();
        let gone = |path: &&Arc<str>| !there.contains(path) && !self.open.contains_key(*path);
        let gone: Vec<Arc<str>> = self.workspace.paths().filter(gone).cloned().collect();
        gone.iter().for_each(|path| self.workspace.remove(path));
        for file in files {
            if !self.open.contains_key(&file.path) {
                self.workspace.set(file);
            }
        }
    }

    /// Takes the text of an open document into the tree.
    pub(super) fn overlay(&mut self, path: &Arc<str>) {
        let Some(document) = self.open.get(path) else { return };
        let bytes: Arc<[u8]> = document.text.as_bytes().into();
        self.workspace.set(TreeFile { path: path.clone(), bytes, executable: false });
    }

    /// Returns the path of a file in this tree.
    pub(super) fn relative(&self, path: &Path) -> Option<Arc<str>> {
        let path = path.strip_prefix(&self.root).ok()?.to_str()?;
        (!path.is_empty()).then(|| path.into())
    }

    /// Returns the URI of a file, as the client calls it if it is open there.
    pub(super) fn uri(&self, path: &str) -> Uri {
        match self.open.get(path) {
            Some(document) => document.uri.clone(),
            None => uri::from_path(&self.root.join(path)),
        }
    }
}

/// Returns the tree that a folder is or holds, if it looks like one.
pub(super) fn in_folder(folder: &Path) -> Option<PathBuf> {
    [folder.to_owned(), folder.join("stacks")].into_iter().find(|dir| is_root(dir) || has_policy(dir))
}

/// Returns the root of the tree in which a file lies: the nearest folder above it with what stands in roots only; for a
/// `*.vgo` else one that is called `stacks`, else its own.
pub(super) fn around(file: &Path) -> Option<PathBuf> {
    let own = file.parent()?;
    let root = own.ancestors().find(|dir| is_root(dir));
    if root.is_none() && file.extension().is_none_or(|end| end != "vgo") {
        return None;
    }
    let named = || own.ancestors().find(|dir| dir.file_name().is_some_and(|name| name == "stacks"));
    Some(root.or_else(named).unwrap_or(own).to_owned())
}

fn is_root(dir: &Path) -> bool {
    OF_ROOT.iter().any(|name| dir.join(name).exists())
}

fn has_policy(dir: &Path) -> bool {
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    entries.take(1000).any(|entry| entry.path().extension().is_some_and(|end| end == "vgo"))
}
