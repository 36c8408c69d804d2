//! `directory`: one directory, a tree's owner and mode, or a shipped tree.

mod glob;
mod guarded;
#[cfg(test)]
mod tests;
mod tree;

use super::edit::{self, Edit, FileAction, Looking, Seen};
use super::{Attr, Change, Diff, Fields, Footprint, Instance, Kind, Managed, Need, Prepare, Refresh, TypeDecl};
use crate::action::{AbsPath, FileKind, Op, Outputs, Owner};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use glob::Globs;
use tree::{Shipped, Shown};

const PRESENT: &[&str] = &["present"];

/// More entries below a directory than this are not looked through.
const ENTRIES_MAX: usize = 100_000;

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "directory",
    aliases: &[],
    summary: "Manages one directory, or a shipped tree.",
    states: &["present", "absent"],
    attributes: &[
        Attr { doc: "The directory; missing parents are made.", ..edit::TARGET_PATH },
        edit::OWNER.only_in(PRESENT),
        edit::GROUP.only_in(PRESENT),
        Attr {
            doc: "Permission bits; a new directory gets `0755`, an existing one is left alone unless written.",
            ..edit::MODE.only_in(PRESENT)
        },
        edit::SECONTEXT.only_in(PRESENT),
        Attr::new("recurse", Kind::Bool, "Owner, group and mode hold for the whole tree, links not followed.")
            .default("false")
            .only_in(PRESENT),
        Attr::new(
            "file_mode",
            Kind::Mode,
            "Mode of files below, with `recurse` or `source`; else `mode`, with `x` only where a file has some already.",
        )
        .only_in(PRESENT),
        Attr::new("source", Kind::Line, "A shipped directory, `templates/…`, whose files are put below.")
            .only_in(PRESENT)
            .no_secret(),
        Attr::new("render", Kind::Bool, "Whether shipped files are rendered, or copied as they are.")
            .default("true")
            .only_in(PRESENT),
        Attr::new("purge", Kind::Bool, "With `source`: removes what is not shipped.").default("false").only_in(PRESENT),
        Attr::new("ignore", Kind::List, "With `purge`: globs of what is kept; one without `/` is for names at any depth.")
            .only_in(PRESENT)
            .no_secret(),
        edit::SHOW_DIFF.only_in(PRESENT),
    ],
    refresh: Refresh::Nothing,
    batch: false,
    identity: |fields| fields.path("target_path").map(|p| p.to_string()),
    footprint,
    check,
    prepare,
};

fn footprint(fields: &Fields) -> Footprint {
    let mut f = edit::footprint(fields);
    let Some(path) = fields.path("target_path") else { return f };
    let present = fields.state() == "present";
    if !present || fields.flag("recurse") || fields.flag("purge") {
        f.trees.push(path.clone());
    }
    if present {
        f.makes.push(Need::Dir(path));
    }
    f
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    let source = fields.is_written("source");
    let mut without = |attribute: &str, needed: &str, there: bool| {
        if fields.is_written(attribute) && !there {
            problems.push(Problem::conflict(attribute, format!("has a meaning with {needed} only")));
        }
    };
    without("file_mode", "`recurse` or `source`", source || fields.is_written("recurse"));
    without("render", "`source`", source);
    without("purge", "`source`", source);
    without("ignore", "`purge`", fields.is_written("purge"));
    if let Some(source) = fields.str("source")
        && (!source.starts_with("templates/") || source.split('/').any(|part| part == ".."))
    {
        problems.push(Problem::bad_value("source", format!("expected `templates/…`, found `{source}`")));
    }
    if let Some(path) = fields.path("target_path") {
        let removal = (fields.state() == "absent").then_some("removed");
        if let Some(done) = removal.or(fields.flag("purge").then_some("purged"))
            && guarded::is_system(&path)
        {
            problems.push(guarded::problem(&path, done));
        }
    }
    problems
}

fn prepare(fields: &Fields, ctx: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let edit = Edit::read(fields)?;
    let present = fields.state() == "present";
    let shipped = if present { tree::read(fields, &edit, ctx)? } else { None };
    let want = Want {
        edit,
        present,
        recurse: fields.flag("recurse"),
        file_mode: fields.mode("file_mode"),
        shipped,
        purge: fields.flag("purge"),
        ignore: Globs::new(&fields.words("ignore").unwrap_or_default())?,
    };
    Ok(Managed::<Directory>::boxed(want, &Native))
}

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
            Self::Shipped(_, action, path) => write!(f, "{action} {path}"),
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
        if let (Some(shipped), Some(shown)) = (&want.shipped, &state.shown)
            && let Err(problem) = tree::compare(shipped, shown, edit.show_diff, &mut c)
        {
            return Comparison::fail(problem);
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

/// Directories by file operations, the same everywhere.
pub struct Native;

impl Adapter<Directory> for Native {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        edit::supported("directory", &[("file_mode", want.file_mode.is_some())], facts)?;
        want.edit.supported("directory", facts)
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::stat(&want.edit.path)];
        if want.present {
            if want.recurse || want.purge {
                ops.push(list(want));
            }
            ops.extend(want.shipped.iter().flat_map(|shipped| shipped.probe()));
            ops.extend(want.edit.probe());
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match interpret(want, outputs) {
            Ok(state) => Interpreted::Known(state),
            Err(Looking::Ask(ops)) => Interpreted::Ask(ops),
            Err(Looking::Unknown(why)) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[Action], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let path = &want.edit.path;
        let owner = state.seen.owner.clone().map_err(Problem::failed)?;
        let mode = want.edit.mode.unwrap_or(0o755);
        let mut ops = Vec::new();
        for action in actions {
            match action {
                Action::MakeDir => ops.push(Op::MakeDir { path: path.clone(), mode, owner, parents: true }),
                Action::Set(action) => ops.extend(action.metadata_op(path)),
                Action::RemoveTree => ops.push(Op::Remove { path: path.clone(), recursive: true }),
                Action::RemoveEntry(entry, all) => {
                    ops.push(Op::Remove { path: path.join(entry), recursive: *all });
                }
                Action::SetTree(_) => state.strays.iter().for_each(|stray| ops.extend(stray.ops(path))),
                Action::MakeSubdir(_) | Action::Shipped(..) => {
                    if let (Some(shipped), Some(shown)) = (&want.shipped, &state.shown) {
                        ops.extend(tree::lower(shipped, shown, action, mode, owner));
                    }
                }
            }
        }
        Ok(ops)
    }
}

impl Stray {
    fn ops(&self, dir: &AbsPath) -> impl Iterator<Item = Op> {
        let path = dir.join(&self.path);
        let owner = (self.owner != Owner::default()).then(|| Op::SetOwner {
            path: path.clone(),
            owner: self.owner,
            follow: false,
        });
        owner.into_iter().chain(self.mode.map(|mode| Op::SetMode { path, mode }))
    }
}

fn list(want: &Want) -> Op {
    Op::ListDir { path: want.edit.path.clone(), deep: true, entries_max: ENTRIES_MAX }
}

fn interpret(want: &Want, outputs: &Outputs) -> Result<State, Looking> {
    let seen = want.edit.look(outputs)?;
    let mut state = State { seen, shown: None, strays: Vec::new(), extra: Vec::new() };
    if !want.present {
        return Ok(state);
    }
    if let Some(shipped) = &want.shipped {
        state.shown = Some(shipped.look(outputs, want.edit.show_diff)?);
    }
    if let Some(meta) = state.seen.meta.as_ref().filter(|m| m.kind == FileKind::Dir)
        && (want.recurse || want.purge)
    {
        let entries = tree::entries(&want.edit.path, outputs.get(&list(want))).map_err(Looking::Unknown)?;
        if let (true, Ok(owner)) = (want.recurse, &state.seen.owner) {
            state.strays = tree::strays(want, *owner, meta.dev, entries);
        }
        if let (true, Some(shipped)) = (want.purge, &want.shipped) {
            state.extra = tree::extra(shipped, want.ignore.as_ref(), meta.dev, entries);
        }
    }
    Ok(state)
}

/// Adds the diff of a file to those of others.
fn add_diff(diff: &mut Option<Diff>, more: Option<Diff>) {
    match (diff, more) {
        (Some(diff), Some(more)) => diff.files.extend(more.files),
        (diff, more) => *diff = more.or(diff.take()),
    }
}
