//! Sources that are one file, or a part of one, as of most managers.

use super::{Action, FileState, KeyForm, KeyState, Repository, State, Want, key_ops, observe_key};
use crate::action::{AbsPath, Command, Content, Op, OpOutput, Outputs, Ran};
use crate::host::{Adapter, Family, HostFacts, Interpreted, Problem, ProblemKind};
use crate::value::Text;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A manager, in where and how it writes sources.
pub trait Layout: Sync + 'static {
    /// Its name in messages.
    const NAME: &'static str;

    /// How it wants a key.
    const KEY: KeyForm;

    /// Says what of the want it cannot do.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unsupported`, or about a bad value.
    fn check(&self, want: &Want) -> Result<(), Problem>;

    /// Returns the file of the source.
    fn source(&self, want: &Want) -> AbsPath;

    /// Returns where the key is installed; `None` where the manager keeps it itself.
    fn key(&self, want: &Want) -> Option<AbsPath>;

    /// Returns the file with the source in it, or without it; `None` is no file.
    fn write(&self, want: &Want, found: Option<&str>) -> Option<String>;

    /// Returns the calls that fetch the index.
    fn refresh(&self, want: &Want, facts: &HostFacts) -> Vec<Command>;

    /// Says what a failed call means.
    fn classify(&self, ran: &Ran) -> Option<Problem>;
}

/// A [`Layout`] as an adapter.
pub struct By<T>(pub T);

impl<T: Layout> Adapter<Repository> for By<T> {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        if !T::KEY.is_openpgp() && !want.fingerprints.is_empty() {
            return Err(unsupported("key_fingerprint", T::NAME).on(facts));
        }
        let named = |problem: Problem| match problem.kind {
            ProblemKind::Unsupported => problem.on(facts),
            _ => problem,
        };
        if want.present { self.0.check(want).map_err(named) } else { Ok(()) }
    }

    fn probe(&self, want: &Want, _: &HostFacts) -> Vec<Op> {
        let mut ops = self.0.key(want).map(|path| key_ops(want, &path)).unwrap_or_default();
        ops.push(Op::read_file(&self.0.source(want)));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, _: &HostFacts) -> Interpreted<State> {
        let mut state = State::default();
        if let Some(path) = self.0.key(want) {
            let found = match read(outputs, &path) {
                Ok(found) => found,
                Err(why) => return Interpreted::Unknown(why),
            };
            let wanted = match observe_key(want, outputs, &path, T::KEY) {
                KeyState::Ask(ops) => return Interpreted::Ask(ops),
                KeyState::Unknown(why) => return Interpreted::Unknown(why),
                KeyState::Refused(problem) => {
                    state.problem = Some(problem);
                    None
                }
                KeyState::Wanted(bytes) => Some(bytes),
                KeyState::Installed => found.clone(),
                KeyState::Unwanted => None,
            };
            state.files.push(FileState { field: "key", path, found, wanted: wanted.map(Content::Bytes) });
        }
        let path = self.0.source(want);
        let found = match read(outputs, &path) {
            Ok(found) => found,
            Err(why) => return Interpreted::Unknown(why),
        };
        let text = match found.as_deref().map(core::str::from_utf8) {
            None => None,
            Some(Ok(text)) => Some(text),
            Some(Err(_)) => return Interpreted::Unknown(format!("expected text in `{path}`, found other bytes")),
        };
        let wanted = self.0.write(want, text);
        let wanted = wanted.map(|text| Content::Text(Text::plain(text).tainted_by(want.repo.secret_path())));
        state.files.push(FileState { field: "source", path, found, wanted });
        Interpreted::Known(state)
    }

    fn lower(&self, want: &Want, _: &State, actions: &[Action], facts: &HostFacts) -> Result<Vec<Op>, Problem> {
        let mut ops = Vec::new();
        for action in actions {
            match action.file_op() {
                Some(op) => ops.push(op),
                None => {
                    let calls = self.0.refresh(want, facts).into_iter();
                    ops.extend(calls.map(|c| Op::Run(c.timeout(Repository::TIMEOUT))));
                }
            }
        }
        Ok(ops)
    }

    fn classify(&self, _: &Want, _: &Op, ran: &Ran) -> Option<Problem> {
        self.0.classify(ran)
    }
}

/// Returns a file's content; `None` is no file.
///
/// # Errors
/// A fragment, when it could not be read.
pub fn read(outputs: &Outputs, path: &AbsPath) -> Result<Option<Arc<[u8]>>, String> {
    match outputs.path(path) {
        Some(OpOutput::File { content, .. }) => Ok(Some(content.clone())),
        Some(OpOutput::Missing) => Ok(None),
        Some(OpOutput::Failed(failure)) => Err(failure.message.clone()),
        other => Err(format!("expected a file at `{path}`, found {other:?}")),
    }
}

/// Returns the unsupported use of an attribute.
pub fn unsupported(attribute: &str, manager: &str) -> Problem {
    let message = format!("attribute `{attribute}` of type `repository` is not supported by {manager}");
    Problem { attribute: Some(attribute.into()), ..Problem::unsupported(message) }
}
