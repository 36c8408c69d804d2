//! Files by file operations, the same everywhere.

use super::source::Source;
use super::stream::{self, Script};
use super::{File, State, Want};
use crate::action::{Content, Op, Outputs};
use crate::host::{Adapter, HostFacts, Interpreted, Problem};
use crate::resource::diff::DIFFED_BYTES_MAX;
use crate::resource::edit::{self, FileAction, Looking};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The adapter.
pub struct Native;

impl Adapter<File> for Native {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        edit::supported("file", &[("stream_edit", !want.scripts.is_empty())], facts)?;
        want.edit.supported("file", facts)
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
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
        ops.extend(want.edit.probe(facts));
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match interpret(want, outputs, facts) {
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

fn interpret(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<State, Looking> {
    let edit = &want.edit;
    let seen = edit.look(outputs, facts)?;
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
            Ok(input) => stream::run(&want.scripts, input, outputs, facts.image.as_ref())?,
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
        bytes_max: DIFFED_BYTES_MAX as u64,
    }
}

/// Asks for `op`, unless it has been answered.
fn ask(op: Op, outputs: &Outputs) -> Result<(), Looking> {
    match outputs.get(&op) {
        Some(_) => Ok(()),
        None => Err(Looking::Ask(alloc::vec![op])),
    }
}
