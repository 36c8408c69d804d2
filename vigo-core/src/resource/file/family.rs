//! What is wanted of a file, and how it is compared.

use super::source::Source;
use super::stream::Script;
use crate::action::{Content, FileKind};
use crate::host::{Comparison, Family, Phase, Problem};
use crate::resource::diff::Side;
use crate::resource::edit::{self, Edit, FileAction, Seen};
use crate::resource::{Change, Diff, Keep};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

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

    fn evidence(state: &State) -> Option<String> {
        Some(state.seen.evidence())
    }

    fn keep(want: &Want, state: &State) -> Option<Keep> {
        Some(state.seen.keep(&want.edit.path, want.present && want.edit.follow))
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
        c.diff = Some(Diff::new(edit.path.shared(), content.clone(), Side::Absent));
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
    c.changes.extend(seen.awaited());
    if writes {
        c.act(FileAction::Write);
        c.diff = wanted.and_then(|w| edit::diff(edit, seen, edit::content_side(&w.content, w.sha256)));
    }
    c
}
