//! The family of all types that edit a file's text: what is read, compared and written is the same; only the function
//! from text to text is theirs.

use super::diff::Side;
use super::edit::{self, Edit, FileAction, Looking, Seen};
use super::{Change, Instance, Keep, Managed};
use crate::action::{Content, FileKind, Op, Outputs};
use crate::host::{Adapter, Comparison, Family, HostFacts, Interpreted, Phase, Problem, ProblemKind};
use crate::value::Text;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

/// Values in changes are cut here: a report is a list of lines.
const SHOWN_CHARS_MAX: usize = 200;

/// A way to edit text.
pub trait Editor: Sized + Send + Sync + 'static {
    /// The type's name.
    const TYPE: &'static str;
    /// What a file that is made starts as.
    const INITIAL: &'static str = "";
    /// What is wanted of the text.
    type Spec: Clone + fmt::Debug + Send + Sync + 'static;

    /// Returns the text as it should be, and what that changes; `None` when it is so already.
    ///
    /// # Errors
    /// [`Problem`], when the text is not of the kind that this edits.
    fn edit(spec: &Self::Spec, text: &str) -> Result<Option<(String, Change)>, Problem>;

    /// Returns whether it is right that there is no file.
    fn accepts_missing(spec: &Self::Spec) -> bool;

    /// Returns the secret that the edit writes.
    fn secret(spec: &Self::Spec) -> Option<&Arc<str>>;
}

/// The family of an [`Editor`].
pub struct Editing<E>(PhantomData<E>);

/// What is wanted of a file.
#[derive(Clone, Debug)]
pub struct Want<S> {
    /// Path, owner, mode and how to write.
    pub edit: Edit,
    /// What is wanted of its text.
    pub spec: S,
}

/// What is there, and what the text should be.
#[derive(Clone, Debug)]
pub struct State {
    /// What is at the path.
    pub seen: Seen,
    /// The text as it should be, and what that changes; `None` when it is so already.
    pub edited: Result<Option<(Text, Change)>, Problem>,
}

/// Returns an instance that edits as `spec` says.
pub(super) fn boxed<E: Editor>(edit: Edit, spec: E::Spec) -> Box<dyn Instance> {
    Managed::<Editing<E>>::boxed(Want { edit, spec }, &const { Native::<E>(PhantomData) })
}

impl<E: Editor> Family for Editing<E> {
    const TYPE: &'static str = E::TYPE;
    type Want = Want<E::Spec>;
    type State = State;
    type Action = FileAction;

    fn compare(want: &Self::Want, state: &State, _: Phase) -> Comparison<FileAction> {
        let (edit, seen) = (&want.edit, &state.seen);
        if let Err(why) = &seen.owner {
            return Comparison::fail(Problem::failed(why.clone()));
        }
        let edited = match &state.edited {
            Ok(edited) => edited.as_ref(),
            Err(problem) => return Comparison::fail(problem.clone()),
        };
        let mut c = Comparison::in_sync();
        if seen.meta.is_none() && edited.is_some() {
            c.change(Change::new("state", "absent", "present"));
        }
        if let Some((text, change)) = edited {
            c.notes.extend(edit.secret_note(seen, text.secret_path()));
            c.change(change.clone());
            c.act(FileAction::Write);
            c.diff = edit::diff(edit, seen, Side::Text(text.clone()));
        }
        if let Some(meta) = &seen.meta {
            match edit.compare_metadata(seen, meta) {
                Err(problem) => return Comparison::fail(problem),
                Ok(drift) => {
                    if edited.is_none() {
                        c.actions = drift.actions(edit.mode);
                    }
                    c.changes.extend(drift.changes);
                }
            }
        }
        if seen.meta.is_some() || edited.is_some() {
            c.changes.extend(seen.awaited());
        }
        c
    }

    fn predict(_: &Self::Want, _: &State) -> Option<State> {
        None
    }

    fn evidence(state: &State) -> Option<String> {
        Some(state.seen.evidence())
    }

    fn keep(want: &Self::Want, state: &State) -> Option<Keep> {
        Some(state.seen.keep(&want.edit.path, want.edit.follow))
    }
}

/// Edits by file operations, the same everywhere.
struct Native<E>(PhantomData<E>);

impl<E: Editor> Adapter<Editing<E>> for Native<E> {
    fn check(&self, want: &Want<E::Spec>, facts: &HostFacts) -> Result<(), Problem> {
        want.edit.supported(E::TYPE, facts)
    }

    fn probe(&self, want: &Want<E::Spec>, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::ReadFile {
            path: want.edit.path.clone(),
            follow: want.edit.follow,
            bytes_max: edit::EDITED_BYTES_MAX,
        }];
        ops.extend(want.edit.probe(facts));
        ops
    }

    fn interpret(&self, want: &Want<E::Spec>, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match want.edit.look(outputs, facts) {
            Err(Looking::Ask(ops)) => Interpreted::Ask(ops),
            Err(Looking::Unknown(why)) => Interpreted::Unknown(why),
            Ok(seen) => {
                let edited = edited::<E>(want, &seen);
                Interpreted::Known(State { seen, edited })
            }
        }
    }

    fn lower(
        &self,
        want: &Want<E::Spec>,
        state: &State,
        actions: &[FileAction],
        _: &HostFacts,
    ) -> Result<Vec<Op>, Problem> {
        let op = |action: &FileAction| match (action, &state.edited) {
            (FileAction::Write, Ok(Some((text, _)))) => {
                Some(want.edit.replace(&state.seen, Content::Text(text.clone())))
            }
            (action, _) => action.metadata_op(&state.seen.real),
        };
        Ok(actions.iter().filter_map(op).collect())
    }
}

fn edited<E: Editor>(want: &Want<E::Spec>, seen: &Seen) -> Result<Option<(Text, Change)>, Problem> {
    let path = &want.edit.path;
    let text = match (&seen.meta, &seen.content) {
        (None, _) if E::accepts_missing(&want.spec) => return Ok(None),
        (None, _) if want.edit.create => E::INITIAL,
        (None, _) => {
            let problem = Problem::failed(format!("expected a file at `{path}`, found nothing"));
            return Err(problem.help("write `create: true` to have it made"));
        }
        (Some(meta), Some(content)) if meta.kind == FileKind::File => match core::str::from_utf8(content) {
            Ok(text) => text,
            Err(e) => {
                let at = e.valid_up_to();
                return Err(Problem::failed(format!("expected UTF-8 text in `{path}`, found another byte at {at}")));
            }
        },
        (Some(meta), _) => {
            return Err(Problem::failed(format!("expected a file at `{path}`, found {}", edit::kind_shown(meta))));
        }
    };
    let tainted = |text: String| Text::plain(text).tainted_by(E::secret(&want.spec));
    match E::edit(&want.spec, text)? {
        None if seen.meta.is_none() => {
            let change = Change::new("content", "absent", "as a new file starts");
            Ok(Some((tainted(text.into()), change)))
        }
        None => Ok(None),
        Some((after, _)) if after.len() as u64 > edit::EDITED_BYTES_MAX => {
            Err(Problem::failed(format!("expected at most 16 MiB in `{path}` after the edit, found {}", after.len())))
        }
        Some((after, change)) => match E::edit(&want.spec, &after)? {
            None => Ok(Some((tainted(after), change))),
            Some(_) => {
                let message = "expected an edit that leaves its own result alone, found one that changes it again";
                Err(Problem::new(ProblemKind::NotIdempotent, message))
            }
        },
    }
}

/// Returns the change of a value in a text, masked where a secret is written.
pub(super) fn change(field: impl Into<String>, before: &str, after: &str, secret: Option<&Arc<str>>) -> Change {
    let text = |text: &str| Text::plain(shown(text));
    let after = text(after).tainted_by(secret);
    Change::masked(field.into(), &text(before), &after)
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into(),
    }
}
