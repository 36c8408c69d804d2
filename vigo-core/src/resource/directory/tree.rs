//! What is shipped into a directory, and what is below one.

use super::Want;
use super::family::{Action, Stray};
use super::glob::Globs;
use crate::action::{AbsPath, Content, Entry, FileKind, Op, OpOutput, Outputs, Owner};
use crate::host::{Comparison, HostFacts, Problem};
use crate::resource::edit::{self, Edit, FileAction, Looking, Seen};
use crate::resource::file::{Wanted, render_blob};
use crate::resource::{Change, Diff, Fields, Prepare};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// More shipped files in one tree than this are a mistake.
const FILES_MAX: usize = 4096;

/// Changed files of a tree that reports tell one by one.
const SHOWN_MAX: usize = 20;

/// A shipped tree.
#[derive(Debug)]
pub struct Shipped {
    /// The directories that it needs, below the target, parents first.
    dirs: Vec<Edit>,
    /// The files, by relative path.
    files: Vec<ShippedFile>,
    /// Relative paths of both.
    managed: BTreeSet<Arc<str>>,
}

#[derive(Debug)]
struct ShippedFile {
    path: Arc<str>,
    edit: Edit,
    wanted: Wanted,
    executable: bool,
}

/// What is there of a shipped tree.
#[derive(Clone, Debug)]
pub struct Shown {
    dirs: Vec<Seen>,
    files: Vec<Seen>,
}

/// Reads and renders the shipped files of known and checked fields.
pub(super) fn read(fields: &Fields, dir: &Edit, ctx: &Prepare<'_>) -> Result<Option<Arc<Shipped>>, Problem> {
    let Some(source) = fields.str("source") else { return Ok(None) };
    let prefix = format!("{}/", source.trim_end_matches('/'));
    let render = fields.bool("render").unwrap_or(true);
    let file_mode = fields.mode("file_mode");
    let mut files = BTreeMap::new();
    for blob in ctx.blobs {
        let Some(relative) = blob.path.strip_prefix(&*prefix) else { continue };
        if files.len() == FILES_MAX {
            let message = format!("expected at most {FILES_MAX} files below `{source}`, found more");
            return Err(Problem::bad_value("source", message));
        }
        let path = AbsPath::parse(dir.path.join(relative).as_str())?;
        let mode = file_mode.or_else(|| dir.mode.map(|mode| derived(mode, blob.executable)));
        let edit = Edit { path, mode, follow: false, ..dir.clone() };
        let wanted = render_blob(blob, render, ctx)?;
        let path: Arc<str> = relative.into();
        files.insert(path.clone(), ShippedFile { path, edit, wanted, executable: blob.executable });
    }
    if files.is_empty() {
        return Err(Problem::bad_value("source", format!("expected shipped files below `{source}`, found none")));
    }
    let mut dirs: BTreeSet<Arc<str>> = BTreeSet::new();
    for path in files.keys() {
        for (at, _) in path.match_indices('/') {
            dirs.insert(path[..at].into());
        }
    }
    let managed = dirs.iter().chain(files.keys()).cloned().collect();
    let subdir = |relative: &Arc<str>| Edit { path: dir.path.join(relative), follow: false, ..dir.clone() };
    let dirs = dirs.iter().map(subdir).collect();
    Ok(Some(Arc::new(Shipped { dirs, files: files.into_values().collect(), managed })))
}

/// Returns a file's mode that follows from the directory's: without special bits, executable only where the file is.
fn derived(mode: u32, executable: bool) -> u32 {
    mode & if executable { 0o777 } else { 0o666 }
}

impl Shipped {
    /// Returns what to read of it.
    pub(super) fn probe(&self) -> impl Iterator<Item = Op> {
        let hash = |file: &ShippedFile| Op::HashFile { path: file.edit.path.clone(), follow: false };
        self.dirs.iter().map(|dir| Op::stat(&dir.path)).chain(self.files.iter().map(hash))
    }

    /// Makes the answers into what is there; asks for the first contents that differ, to show how.
    pub(super) fn look(&self, outputs: &Outputs, show_diff: bool, facts: &HostFacts) -> Result<Shown, Looking> {
        // One look over all answers: asking for each file would be quadratic in their number.
        let mut answers: BTreeMap<&AbsPath, Outputs> = BTreeMap::new();
        let mut shared = Outputs::default();
        for (op, output) in outputs.arcs() {
            match op {
                Op::ReadFile { path, .. } | Op::HashFile { path, .. } | Op::Stat { path, .. }
                    if path.as_str() != "/etc/passwd" && path.as_str() != "/etc/group" =>
                {
                    answers.entry(path).or_default().push(op.clone(), output.clone());
                }
                Op::ReadFile { .. } | Op::Account { .. } => shared.push(op.clone(), output.clone()),
                _ => {}
            }
        }
        let mut shown =
            Shown { dirs: Vec::with_capacity(self.dirs.len()), files: Vec::with_capacity(self.files.len()) };
        let mut look = |edit: &Edit| {
            let mut own = answers.remove(&edit.path).unwrap_or_default();
            shared.arcs().for_each(|(op, output)| own.push(op.clone(), output.clone()));
            edit.look(&own, facts).map(|seen| (seen, own))
        };
        for dir in &self.dirs {
            shown.dirs.push(look(dir)?.0);
        }
        let mut asked = Vec::new();
        let mut differ = 0;
        for file in &self.files {
            let (seen, own) = look(&file.edit)?;
            if seen.sha256.is_some_and(|sha256| sha256 != file.wanted.sha256) {
                differ += 1;
                let read = Op::ReadFile {
                    path: file.edit.path.clone(),
                    follow: false,
                    bytes_max: crate::resource::diff::DIFFED_BYTES_MAX as u64,
                };
                let wanted = show_diff && differ <= SHOWN_MAX && edit::is_diffable(&file.wanted.content);
                if wanted && seen.is_diffable() && own.get(&read).is_none() {
                    asked.push(read);
                }
            }
            shown.files.push(seen);
        }
        if asked.is_empty() { Ok(shown) } else { Err(Looking::Ask(asked)) }
    }
}

/// Compares the shipped tree with what is there.
pub(super) fn compare(
    shipped: &Shipped,
    shown: &Shown,
    show_diff: bool,
    c: &mut Comparison<Action>,
) -> Result<(), Problem> {
    for (i, (dir, seen)) in shipped.dirs.iter().zip(&shown.dirs).enumerate() {
        let path = &dir.path;
        match &seen.meta {
            Some(meta) if meta.kind == FileKind::Dir => {
                let drift = dir.compare_metadata(seen, meta)?;
                let set = drift.actions(dir.mode).into_iter();
                c.actions.extend(set.map(|action| Action::SetSubdir(action, path.clone())));
                let named = |ch: Change| Change { field: format!("{path} {}", ch.field).into(), ..ch };
                c.changes.extend(drift.changes.into_iter().map(named));
            }
            Some(meta) => {
                let found = edit::kind_shown(meta);
                return Err(Problem::failed(format!("expected a directory at `{path}`, found {found}")));
            }
            None => {
                c.change(Change::new(String::from(path.as_str()), "absent", "present"));
                c.act(Action::MakeSubdir(i));
            }
        }
    }
    let mut changed = 0;
    for (i, (file, seen)) in shipped.files.iter().zip(&shown.files).enumerate() {
        let before = c.changes.len();
        compare_file(i, file, seen, show_diff && changed < SHOWN_MAX, c)?;
        changed += usize::from(c.changes.len() > before);
        if changed > SHOWN_MAX {
            c.changes.truncate(before);
        }
    }
    if changed > SHOWN_MAX {
        c.change(Change::new("files", format!("{} more differ", changed - SHOWN_MAX), "as shipped"));
    }
    Ok(())
}

fn compare_file(
    i: usize,
    file: &ShippedFile,
    seen: &Seen,
    show_diff: bool,
    c: &mut Comparison<Action>,
) -> Result<(), Problem> {
    let ShippedFile { edit, wanted, .. } = file;
    let secret = wanted.content.secret_path();
    let field = |what: &str| format!("{} {what}", file.path);
    c.notes.extend(edit.secret_note(seen, secret).map(|note| format!("{}: {note}", edit.path)));
    let writes = match &seen.meta {
        None => {
            c.change(Change::new(field("state"), "absent", "present"));
            true
        }
        Some(meta) if meta.kind == FileKind::Symlink => {
            c.change(Change::new(field("kind"), edit::kind_shown(meta), "a file"));
            true
        }
        Some(meta) if meta.kind != FileKind::File => {
            let found = edit::kind_shown(meta);
            return Err(Problem::failed(format!("expected a file at `{}`, found {found}", edit.path)));
        }
        Some(meta) => {
            let writes = seen.sha256 != Some(wanted.sha256);
            if writes {
                let change = edit::content_change(seen.digest_shown(), &wanted.sha256, secret);
                c.change(Change { field: field("content").into(), ..change });
            }
            let drift = edit.compare_metadata(seen, meta)?;
            if !writes {
                let actions = drift.actions(edit.mode).into_iter();
                c.actions.extend(actions.map(|action| Action::Shipped(i, action, edit.path.clone())));
            }
            c.changes.extend(drift.changes.into_iter().map(|ch| Change { field: field(&ch.field).into(), ..ch }));
            writes
        }
    };
    if writes {
        c.act(Action::Shipped(i, FileAction::Write, edit.path.clone()));
        if show_diff {
            add_diff(&mut c.diff, edit::diff(edit, seen, edit::content_side(&wanted.content, wanted.sha256)));
        }
    }
    Ok(())
}

/// Returns the operation of an action on the shipped tree.
pub(super) fn lower(shipped: &Shipped, shown: &Shown, action: &Action, mode: u32, owner: Owner) -> Option<Op> {
    match action {
        Action::MakeSubdir(i) => {
            Some(Op::MakeDir { path: shipped.dirs.get(*i)?.path.clone(), mode, owner, parents: false })
        }
        Action::Shipped(i, FileAction::Write, _) => {
            let (file, seen) = (shipped.files.get(*i)?, shown.files.get(*i)?);
            let content = file.wanted.content.clone();
            let mut edit = file.edit.clone();
            if file.executable && seen.meta.is_none() {
                let created = if secret(&content) { 0o700 } else { 0o755 };
                edit.mode.get_or_insert(created);
            }
            Some(edit.replace(seen, content))
        }
        Action::SetSubdir(action, path) => action.metadata_op(path),
        Action::Shipped(i, action, _) => action.metadata_op(&shipped.files.get(*i)?.edit.path),
        _ => None,
    }
}

fn secret(content: &Content) -> bool {
    content.secret_path().is_some()
}

/// Returns what is listed.
pub(super) fn entries<'a>(path: &AbsPath, output: Option<&'a OpOutput>) -> Result<&'a [Entry], String> {
    match output {
        Some(OpOutput::Dir(entries)) => Ok(entries),
        Some(OpOutput::Missing) => Ok(&[]),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        _ => Err(format!("`{path}` was not listed")),
    }
}

/// Returns the entries whose owner or mode differs; shipped files are compared as such, other file systems left alone.
pub(super) fn strays(want: &Want, owner: Owner, dev: u64, entries: &[Entry]) -> Vec<Stray> {
    let shipped = |path: &str| want.shipped.as_ref().is_some_and(|s| s.managed.contains(path));
    let stray = |entry: &Entry| {
        let meta = &entry.meta;
        let owner =
            Owner { uid: owner.uid.filter(|&uid| uid != meta.uid), gid: owner.gid.filter(|&gid| gid != meta.gid) };
        let wanted = match meta.kind {
            FileKind::Dir => want.edit.mode,
            FileKind::File => {
                want.file_mode.or_else(|| want.edit.mode.map(|mode| derived(mode, meta.mode & 0o111 != 0)))
            }
            FileKind::Symlink | FileKind::Other => None,
        };
        // A change of owner clears set-user-ID and set-group-ID (chown(2)).
        let cleared = |mode: u32| owner != Owner::default() && mode & 0o6000 != 0;
        let mode = wanted.filter(|&mode| mode != meta.mode || cleared(mode));
        let differs = owner != Owner::default() || mode.is_some();
        differs.then(|| Stray { path: entry.path.clone(), owner, mode })
    };
    entries.iter().filter(|e| e.meta.dev == dev && !shipped(&e.path)).filter_map(stray).collect()
}

/// Returns the entries that are not shipped and not kept: a directory as one where nothing below it is kept.
pub(super) fn extra(shipped: &Shipped, ignore: Option<&Globs>, dev: u64, entries: &[Entry]) -> Vec<(Arc<str>, bool)> {
    let kept = |e: &Entry| {
        e.meta.dev != dev || shipped.managed.contains(&e.path) || ignore.is_some_and(|globs| globs.matches(&e.path))
    };
    let mut keeping: BTreeSet<&str> = BTreeSet::new();
    for entry in entries.iter().filter(|e| kept(e)) {
        keeping.extend(entry.path.match_indices('/').map(|(at, _)| &entry.path[..at]));
    }
    let mut removed: BTreeSet<&str> = BTreeSet::new();
    let mut extra = Vec::new();
    // By path, so that a directory comes before what is below it.
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    for entry in sorted {
        let gone = entry.path.match_indices('/').any(|(at, _)| removed.contains(&entry.path[..at]));
        if gone || kept(entry) || keeping.contains(&*entry.path) {
            continue;
        }
        let all = entry.meta.kind == FileKind::Dir;
        if all {
            removed.insert(&entry.path);
        }
        extra.push((entry.path.clone(), all));
    }
    extra
}

/// Adds the diff of a file to those of others.
fn add_diff(diff: &mut Option<Diff>, more: Option<Diff>) {
    match (diff, more) {
        (Some(diff), Some(more)) => diff.files.extend(more.files),
        (diff, more) => *diff = more.or(diff.take()),
    }
}
