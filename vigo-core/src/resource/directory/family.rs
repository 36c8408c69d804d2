//! What is wanted of a directory, and how it is compared.

use super::glob::Globs;
use super::tree::{self, Shipped, Shown};
use crate::action::{AbsPath, FileKind, Owner};
use crate::host::{Comparison, Family, Phase, Problem};
use crate::resource::Change;
use crate::resource::edit::{self, Edit, FileAction, Seen};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// The family.
pub struct Directory;

/// What is wanted of a directory.
#[derive(Clone, Debug)]
pub struct Want {
    /// Path, owner and mode of the directory itself.
    pub edit: Edit,
    /// Whether it is there.
    pub present: bool,
    /// Whether owner, group and mode hold for all below.
    pub recurse: bool,
    /// Mode of files below.
    pub file_mode: Option<u32>,
    /// What is shipped into it.
    pub shipped: Option<Arc<Shipped>>,
    /// Whether what is not shipped goes.
    pub purge: bool,
    /// What stays.
    pub ignore: Option<Globs>,
}

/// What is there.
#[derive(Clone, Debug)]
pub struct State {
    /// The directory itself.
    pub seen: Seen,
    /// Directories and files of the shipped tree.
    pub shown: Option<Shown>,
    /// Entries below whose owner or mode differs.
    pub strays: Vec<Stray>,
    /// Entries below that are not shipped: relative path, and whether it is a whole directory.
    pub extra: Vec<(Arc<str>, bool)>,
}

/// An entry below whose owner or mode differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its path below the directory.
    pub path: Arc<str>,
    /// What its owner should be, where it is not.
    pub owner: Owner,
    /// What its mode should be, where it is not or a change of owner would clear bits of it.
    pub mode: Option<u32>,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Action {
    /// Makes the directory.
    MakeDir,
    /// Sets owner, mode or context of the directory itself.
    Set(FileAction),
    /// Makes a directory of the shipped tree.
    MakeSubdir(usize),
    /// Sets owner, mode or context of a directory of the shipped tree.
    SetSubdir(FileAction, AbsPath),
    /// Does something to a file of the shipped tree.
    Shipped(usize, FileAction, AbsPath),
    /// Sets owner and mode of entries below.
    SetTree(usize),
    /// Removes an entry below.
    RemoveEntry(Arc<str>, bool),
    /// Removes the directory with all below.
    RemoveTree,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeDir => f.write_str("make directory"),
            Self::Set(action) => write!(f, "{action}"),
            Self::MakeSubdir(_) => f.write_str("make subdirectory"),
            Self::SetSubdir(action, path) | Self::Shipped(_, action, path) => write!(f, "{action} {path}"),
            Self::SetTree(count) => write!(f, "set owner and mode of {count} entries"),
            Self::RemoveEntry(path, _) => write!(f, "remove {path}"),
            Self::RemoveTree => f.write_str("remove tree"),
        }
    }
}

impl Family for Directory {
    const TYPE: &'static str = "directory";
    type Want = Want;
    type State = State;
    type Action = Action;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<Action> {
        let (edit, seen) = (&want.edit, &state.seen);
        let mut c = Comparison::in_sync();
        let meta = seen.meta.as_ref();
        if let Some(meta) = meta.filter(|m| m.kind != FileKind::Dir) {
            let found = format!("expected a directory at `{}`, found {}", edit.path, edit::kind_shown(meta));
            return Comparison::fail(Problem::failed(found));
        }
        if !want.present {
            if meta.is_some() {
                c.change(Change::new("state", "present", "absent"));
                c.act(Action::RemoveTree);
            }
            return c;
        }
        if let Err(why) = &seen.owner {
            return Comparison::fail(Problem::failed(why.clone()));
        }
        match meta {
            None => {
                c.change(Change::new("state", "absent", "present"));
                c.act(Action::MakeDir);
            }
            Some(meta) => match edit.compare_metadata(seen, meta) {
                Err(problem) => return Comparison::fail(problem),
                Ok(drift) => {
                    c.actions.extend(drift.actions(edit.mode).into_iter().map(Action::Set));
                    c.changes.extend(drift.changes);
                }
            },
        }
        c.changes.extend(seen.awaited());
        if let (Some(shipped), Some(shown)) = (&want.shipped, &state.shown)
            && let Err(problem) = tree::compare(shipped, shown, edit.show_diff, &mut c)
        {
            return Comparison::fail(problem);
        }
        let changed = state.strays.iter().map(|s| &s.path).chain(state.extra.iter().map(|(path, _)| path));
        let is_odd = |c: char| c == char::REPLACEMENT_CHARACTER || c.is_control();
        if let Some(odd) = changed.into_iter().find(|path| path.contains(is_odd)) {
            let expected = "expected names in UTF-8 without control characters";
            let message = format!("{expected} below `{}`, found `{}`", edit.path, odd.escape_debug());
            return Comparison::fail(Problem::failed(message).help("rename it, or see to it by an `exec`"));
        }
        if !state.strays.is_empty() {
            let after = format!("{} of {} entries set", state.strays.len(), state.strays.len());
            c.change(Change::new("tree", some_of(state.strays.iter().map(|s| &s.path)), after));
            c.act(Action::SetTree(state.strays.len()));
        }
        if !state.extra.is_empty() {
            c.change(Change::new("not shipped", some_of(state.extra.iter().map(|(path, _)| path)), "absent"));
            c.actions.extend(state.extra.iter().map(|(path, all)| Action::RemoveEntry(path.clone(), *all)));
        }
        c
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }
}

/// Returns the count and the first 20 of some paths.
fn some_of<'a>(paths: impl ExactSizeIterator<Item = &'a Arc<str>>) -> String {
    let count = paths.len();
    let first: Vec<&str> = paths.take(20).map(|p| &**p).collect();
    let more = if count > first.len() { ", …" } else { "" };
    format!("{count}: {}{more}", first.join(", "))
}
