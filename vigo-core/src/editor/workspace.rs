//! The texts of a tree, and the names in them.

use super::collect::{FileKind, collect};
use super::index::{Index, Name};
use super::lines::Line;
use crate::source::{Tree, TreeFile};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::ops::Range;

/// A tree that is being edited. Paths are relative to the tree, with `/`; places are bytes of a file's text.
#[derive(Debug, Default)]
pub struct Workspace {
    files: BTreeMap<Arc<str>, File>,
}

/// A file, and the names of its last text that could be read.
#[derive(Debug)]
pub(super) struct File {
    file: TreeFile,
    /// The text; `None` where the bytes are none.
    text: Option<Arc<str>>,
    index: Index,
    /// The text that the names are of, where it is an earlier one.
    earlier: Option<Earlier>,
}

/// A text as it was.
#[derive(Debug)]
struct Earlier {
    text: Arc<str>,
    /// How many bytes it has in common with the text as it is now, at its head and behind that at its tail.
    ends: (usize, usize),
}

/// Bytes between these ends in which a line is looked for.
const CHANGED_BYTES_MAX: usize = 1 << 16;

impl Workspace {
    /// Returns the workspace of a tree.
    pub fn new(tree: Tree) -> Self {
        let mut workspace = Self::default();
        tree.files.into_iter().for_each(|file| workspace.set(file));
        workspace
    }

    /// Takes a file, or its new content.
    pub fn set(&mut self, file: TreeFile) {
        if file.path.split('/').any(|part| part.starts_with('.')) {
            return;
        }
        if let Some(known) = self.files.get_mut(&file.path).filter(|known| known.file.bytes == file.bytes) {
            known.file.executable = file.executable;
            return;
        }
        let before = self.files.remove(&file.path);
        let text: Option<Arc<str>> = core::str::from_utf8(&file.bytes).ok().map(Arc::from);
        let kind = FileKind::of(&file.path);
        let found = match &text {
            Some(text) => collect(&file.path, text),
            None => (kind != FileKind::Policy).then(Index::default),
        };
        // What lies below `templates/` may be shipped as it is, whatever braces it has.
        let found = found.or_else(|| (kind == FileKind::Template && before.is_none()).then(Index::default));
        let path = file.path.clone();
        let new = match (found, before) {
            (Some(index), _) => File { file, text, index, earlier: None },
            (None, Some(before)) => {
                let earlier = before.earlier.map(|e| e.text).or(before.text).unwrap_or_default();
                let ends = same_ends(&earlier, text.as_deref().unwrap_or_default());
                File { file, text, index: before.index, earlier: Some(Earlier { text: earlier, ends }) }
            }
            (None, None) => {
                let earlier = Some(Earlier { text: "".into(), ends: (0, 0) });
                File { file, text, index: Index::default(), earlier }
            }
        };
        self.files.insert(path, new);
    }

    /// Forgets a file that is no more.
    pub fn remove(&mut self, path: &str) {
        self.files.remove(path);
    }

    /// Returns the tree as it is now, for [`crate::resolve::check`]. Its contents are shared.
    pub fn tree(&self) -> Tree {
        Tree { files: self.files.values().map(|f| f.file.clone()).collect() }
    }

    /// Returns the text of a file.
    pub fn text(&self, path: &str) -> Option<&Arc<str>> {
        self.files.get(path)?.text.as_ref()
    }

    /// Returns the paths of all files, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.keys()
    }

    /// Returns the names of a file, and whether they are those of its text as it is now.
    pub fn index(&self, path: &str) -> Option<(&Index, bool)> {
        self.files.get(path).map(|f| (&f.index, f.earlier.is_none()))
    }

    /// Returns the file at a path.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Returns the files whose names count: a file of data only if some `vars_from` names it.
    pub(super) fn indexed(&self) -> impl Iterator<Item = (&Arc<str>, &File)> {
        let marks = self.files.values().flat_map(|f| &f.index.marks);
        let named: BTreeSet<Arc<str>> = marks
            .filter_map(|m| match &m.name {
                Name::File(path) => Some(path.clone()),
                _ => None,
            })
            .collect();
        self.files.iter().filter(move |(path, _)| FileKind::of(path) != FileKind::Data || named.contains(*path))
    }
}

impl File {
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Returns whether the text cannot be read as it is now.
    pub fn is_broken(&self) -> bool {
        self.earlier.is_some()
    }

    /// Returns a place of the text as it is now in the text that the names are of; `None` in a line that is new.
    pub fn earlier(&self, at: usize) -> Option<u32> {
        let Some(earlier) = &self.earlier else { return Some(at as u32) };
        let (head, tail) = earlier.ends;
        if at <= head {
            return Some(at as u32);
        }
        let behind = self.text().len().checked_sub(at)?;
        if behind <= tail {
            return Some((earlier.text.len() - behind) as u32);
        }
        on_same_line(self.text(), &earlier.text, earlier.ends, at).map(|at| at as u32)
    }

    /// Returns where a span of the text that the names are of is now, as well as can be told.
    pub fn now(&self, at: &Range<u32>) -> Range<usize> {
        let (start, end) = (at.start as usize, at.end as usize);
        let Some(earlier) = &self.earlier else { return start..end };
        let (head, tail) = earlier.ends;
        let text = self.text();
        let place = |at: usize| {
            let behind = earlier.text.len().saturating_sub(at);
            if at <= head {
                at
            } else if behind <= tail {
                text.len() - behind
            } else {
                on_same_line(&earlier.text, text, earlier.ends, at).unwrap_or(at).min(text.len())
            }
        };
        let start = text.floor_char_boundary(place(start));
        start..text.ceil_char_boundary(place(end)).max(start)
    }
}

/// Returns how many bytes two texts have in common at their heads, and at their tails behind that.
fn same_ends(a: &str, b: &str) -> (usize, usize) {
    let head = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let rest = a.len().min(b.len()) - head;
    let tail = a.bytes().rev().zip(b.bytes().rev()).take(rest).take_while(|(x, y)| x == y).count();
    (head, tail)
}

/// Returns where a place of one text is in another: in the nearest line that is the same there, of those between the
/// ends that they have in common.
fn on_same_line(from: &str, to: &str, (head, tail): (usize, usize), at: usize) -> Option<usize> {
    let line = Line::at(from, at);
    let first = Line::at(to, to.floor_char_boundary(head.min(to.len()))).start;
    let changed = to.get(first..to.ceil_char_boundary(to.len().saturating_sub(tail)))?;
    if changed.len() > CHANGED_BYTES_MAX || from.len().saturating_sub(head + tail) > CHANGED_BYTES_MAX {
        return None;
    }
    let mut next = first;
    let starts = changed.split('\n').filter_map(|text| {
        let own = next;
        next += text.len() + 1;
        (text.trim_end_matches('\r') == line.text).then_some(own)
    });
    starts.min_by_key(|own| own.abs_diff(line.start)).map(|own| own + (at - line.start))
}
