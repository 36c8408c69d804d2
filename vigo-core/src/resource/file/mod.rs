//! `file`: one file's content, owner and mode.

mod source;
mod stream;
#[cfg(test)]
mod tests;

use super::edit::{self, Edit, FileAction, Looking, Seen};
use super::{Attr, Change, Fields, Footprint, Instance, Kind, Managed, Prepare, Refresh, TypeDecl};
use crate::action::{AbsPath, Content, FileKind, Op, Outputs, StagedId};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use source::Source;
use stream::Script;

pub(super) use source::render_blob;

const PRESENT: &[&str] = &["present"];

/// The declaration.
pub static DECL: TypeDecl = TypeDecl {
    name: "file",
    aliases: &["template"],
    summary: "Manages one file: content, owner, mode.",
    states: &["present", "absent"],
    attributes: &[
        edit::TARGET_PATH,
        Attr::new("content", Kind::LongText, "The content, rendered; empty text is an empty file.").only_in(PRESENT),
        Attr::new("source", Kind::Line, "A shipped `templates/…`, a path on the envoy, or `https://…`.")
            .only_in(PRESENT)
            .no_secret(),
        Attr::new("render", Kind::Bool, "Whether a shipped source is rendered, or copied as it is.")
            .default("true")
            .only_in(PRESENT),
        Attr::new("sha256", Kind::Line, "The source's digest; required for `https://…`.").only_in(PRESENT).no_secret(),
        Attr::new("baseindent", Kind::Integer(0, 256), "Spaces put before each line that is not empty.")
            .default("0")
            .only_in(PRESENT),
        Attr::new("stream_edit", Kind::List, "Scripts that the content passes through, in order, 30 s each.")
            .only_in(PRESENT)
            .no_secret(),
        edit::OWNER.only_in(PRESENT),
        edit::GROUP.only_in(PRESENT),
        edit::MODE.only_in(PRESENT),
        edit::SECONTEXT.only_in(PRESENT),
        edit::BACKUP.only_in(PRESENT),
        edit::VALIDATE.only_in(PRESENT),
        edit::FOLLOW.default("false").only_in(PRESENT),
        edit::MAKE_PARENTS.only_in(PRESENT),
        edit::SHOW_DIFF,
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
    f.commands.extend(fields.words("stream_edit").into_iter().flatten());
    f
}

fn check(fields: &Fields) -> Vec<Problem> {
    let mut problems = edit::check(fields);
    problems.extend(source::check(fields));
    problems.extend(stream::check(fields));
    problems
}

fn prepare(fields: &Fields, ctx: &Prepare<'_>) -> Result<Box<dyn Instance>, Problem> {
    let edit = Edit::read(fields)?;
    let present = fields.state() == "present";
    let source = if present { Source::read(fields, ctx)? } else { Source::Nothing };
    let scripts = if present { stream::read(fields, ctx)? } else { Vec::new() };
    Ok(Managed::<File>::boxed(Want { edit, present, source, scripts }, &Native))
}

/// Checks `content` and `source` of another type that writes a file of its own.
pub(super) fn check_source(fields: &Fields) -> Vec<Problem> {
    source::check(fields)
}

/// Returns what is wanted of a file of root's at `path` whose content is in `content` or `source`; its folder is made.
pub(super) fn want_at(fields: &Fields, ctx: &Prepare<'_>, path: AbsPath) -> Result<Want, Problem> {
    let present = fields.state() == "present";
    let source = if present { Source::read(fields, ctx)? } else { Source::Nothing };
    let mut want = Want { edit: Edit::of_root(path, fields.flag("show_diff")), present, source, scripts: Vec::new() };
    let secret = matches!(&want.source, Source::Given(w) if w.content.secret_path().is_some());
    want.edit.mode = Some(if secret { 0o600 } else { 0o644 });
    Ok(want)
}

/// The family.
pub struct File;

/// What is wanted of a file.
#[derive(Clone, Debug)]
pub struct Want {
    /// Path, owner, mode and how to write.
    pub edit: Edit,
    /// Whether it is there.
    pub present: bool,
    /// Where its content comes from.
    pub source: Source,
    /// What the content passes through.
    pub scripts: Vec<Script>,
}

impl Want {
    /// Returns the wanted content, where it is known without the machine.
    pub fn known_content(&self) -> Option<&[u8]> {
        match &self.source {
            Source::Given(wanted) => wanted.content.bytes(),
            _ => None,
        }
    }
}

/// What is there, and what the content should be.
#[derive(Clone, Debug)]
pub struct State {
    /// What is at the path.
    pub seen: Seen,
    /// The wanted content; `None` when any will do.
    pub wanted: Result<Option<Wanted>, Problem>,
}

/// A content that a file should have.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The content itself, or where it is.
    pub content: Content,
    /// Its digest.
    pub sha256: [u8; 32],
}

impl Family for File {
    const TYPE: &'static str = "file";
    type Want = Want;
    type State = State;
    type Action = FileAction;

    fn compare(want: &Want, state: &State, _: Phase) -> Comparison<FileAction> {
        let (edit, seen) = (&want.edit, &state.seen);
        let kind = seen.meta.as_ref().map(|m| m.kind);
        match kind {
            Some(FileKind::Dir) => {
                let found = Problem::failed(format!("expected a file at `{}`, found a directory", edit.path));
                return Comparison::fail(found.help("use type `directory`"));
            }
            Some(FileKind::Other) => {
                return Comparison::fail(Problem::failed(format!(
                    "expected a file at `{}`, found a special file",
                    edit.path
                )));
            }
            _ => {}
        }
        if want.present { compare_present(want, state) } else { compare_absent(edit, seen) }
    }

    fn predict(_: &Want, _: &State) -> Option<State> {
        None
    }
}

fn compare_absent(edit: &Edit, seen: &Seen) -> Comparison<FileAction> {
    let mut c = Comparison::in_sync();
    let Some(meta) = &seen.meta else { return c };
    let before = if meta.kind == FileKind::File { "present".into() } else { edit::kind_shown(meta) };
    c.change(Change::new("state", before, "absent"));
    c.act(FileAction::Remove);
    if edit.show_diff
        && let Some(content) = &seen.content
    {
        c.diff = Some(super::Diff::new(edit.path.shared(), content.clone(), super::diff::Side::Absent));
    }
    c
}

fn compare_present(want: &Want, state: &State) -> Comparison<FileAction> {
    let (edit, seen) = (&want.edit, &state.seen);
    let wanted = match &state.wanted {
        Ok(wanted) => wanted.as_ref(),
        Err(problem) => return Comparison::fail(problem.clone()),
    };
    if let Err(why) = &seen.owner {
        return Comparison::fail(Problem::failed(why.clone()));
    }
    let mut c = Comparison::in_sync();
    let secret = wanted.and_then(|w| w.content.secret_path());
    c.notes.extend(edit.secret_note(seen, secret));
    let file = seen.meta.as_ref().filter(|m| m.kind == FileKind::File);
    let writes = match (&seen.meta, file) {
        (None, _) => {
            c.change(Change::new("state", "absent", "present"));
            true
        }
        (Some(other), None) => {
            c.change(Change::new("kind", edit::kind_shown(other), "a file"));
            true
        }
        (_, Some(_)) => match wanted {
            Some(wanted) if seen.sha256 != Some(wanted.sha256) => {
                c.change(edit::content_change(seen.digest_shown(), &wanted.sha256, secret));
                true
            }
            _ => false,
        },
    };
    if let Some(meta) = file {
        match edit.compare_metadata(seen, meta) {
            Err(problem) => return Comparison::fail(problem),
            Ok(drift) => {
                if !writes {
                    c.actions = drift.actions(edit.mode);
                }
                c.changes.extend(drift.changes);
            }
        }
    }
    if writes {
        c.act(FileAction::Write);
        c.diff = wanted.and_then(|w| edit::diff(edit, seen, edit::content_side(&w.content, w.sha256)));
    }
    c
}

/// Files by file operations, the same everywhere.
pub struct Native;

impl Adapter<File> for Native {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        edit::supported("file", &[("stream_edit", !want.scripts.is_empty())], facts)?;
        want.edit.supported("file", facts)
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let path = want.edit.path.clone();
        let follow = want.edit.follow;
        if !want.present {
            return alloc::vec![Op::stat(&path)];
        }
        let mut ops = alloc::vec![match (&want.source, want.scripts.is_empty()) {
            (Source::Nothing, true) => Op::Stat { path, follow },
            (Source::Nothing, false) => Op::ReadFile { path, follow, bytes_max: edit::EDITED_BYTES_MAX },
            _ => Op::HashFile { path, follow },
        }];
        ops.extend(want.source.probe(!want.scripts.is_empty()));
        ops.extend(want.scripts.iter().filter_map(Script::probe));
        ops.extend(want.edit.probe());
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        match interpret(want, outputs) {
            Ok(state) => Interpreted::Known(state),
            Err(Looking::Ask(ops)) => Interpreted::Ask(ops),
            Err(Looking::Unknown(why)) => Interpreted::Unknown(why),
        }
    }

    fn lower(&self, want: &Want, state: &State, actions: &[FileAction], _: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::with_capacity(actions.len());
        for action in actions {
            match action {
                FileAction::Remove => ops.push(Op::Remove { path: want.edit.path.clone(), recursive: false }),
                FileAction::Write => {
                    let wanted = state.wanted.as_ref().map_err(Problem::clone)?;
                    let content = wanted.as_ref().map_or(Content::Bytes(Arc::from([])), |w| w.content.clone());
                    if let (Content::Staged(staged), Source::Url { url, sha256 }) = (&content, &want.source) {
                        ops.push(Op::Fetch { url: url.clone(), sha256: *sha256, staged: *staged });
                    }
                    ops.push(want.edit.replace(&state.seen, content));
                }
                other => ops.extend(other.metadata_op(&state.seen.real)),
            }
        }
        Ok(ops)
    }
}

fn interpret(want: &Want, outputs: &Outputs) -> Result<State, Looking> {
    let edit = &want.edit;
    let seen = edit.look(outputs)?;
    if !want.present {
        // A file that others cannot read may hold a secret of an older policy: its end is reported without content.
        let readable = seen.meta.as_ref().is_some_and(|m| m.mode & 0o004 != 0);
        if edit.show_diff && readable && seen.is_diffable() {
            ask(read(want), outputs)?;
        }
        return Ok(State { seen, wanted: Ok(None) });
    }
    let wanted = match want.scripts.is_empty() {
        true => want.source.wanted(outputs),
        false => match want.source.text(&seen, outputs) {
            Ok(input) => stream::run(&want.scripts, input, outputs)?,
            Err(problem) => Err(problem),
        },
    };
    if let Ok(Some(wanted)) = &wanted
        && edit.show_diff
        && seen.sha256.is_some_and(|sha256| sha256 != wanted.sha256)
        && seen.is_diffable()
        && edit::is_diffable(&wanted.content)
    {
        ask(read(want), outputs)?;
    }
    Ok(State { seen, wanted })
}

/// Returns the read of the file's content for a diff.
fn read(want: &Want) -> Op {
    Op::ReadFile {
        path: want.edit.path.clone(),
        follow: want.present && want.edit.follow,
        bytes_max: super::diff::DIFFED_BYTES_MAX as u64,
    }
}

/// Asks for `op`, unless it has been answered.
fn ask(op: Op, outputs: &Outputs) -> Result<(), Looking> {
    match outputs.get(&op) {
        Some(_) => Ok(()),
        None => Err(Looking::Ask(alloc::vec![op])),
    }
}

/// Returns the name of the staged file of a content: the same for the same content.
fn staged(sha256: &[u8; 32]) -> StagedId {
    let [a, b, c, d, ..] = *sha256;
    StagedId(u32::from_be_bytes([a, b, c, d]))
}
