//! Directories by file operations, the same everywhere.

use super::family::{Action, Stray};
use super::{Directory, State, Want, tree};
use crate::action::{AbsPath, FileKind, Op, Outputs, Owner};
use crate::host::{Adapter, HostFacts, Interpreted, Problem};
use crate::resource::edit::{self, Looking};
use alloc::vec::Vec;

/// More entries below a directory than this are not looked through.
const ENTRIES_MAX: usize = 100_000;

/// The adapter.
pub struct Native;

impl Adapter<Directory> for Native {
    fn check(&self, want: &Want, facts: &HostFacts) -> Result<(), Problem> {
        edit::supported("directory", &[("file_mode", want.file_mode.is_some())], facts)?;
        want.edit.supported("directory", facts)
    }

    fn probe(&self, want: &Want, facts: &HostFacts) -> Vec<Op> {
        let mut ops = alloc::vec![Op::stat(&want.edit.path)];
        if want.present {
            if want.recurse || want.purge {
                ops.push(list(want));
            }
            ops.extend(want.shipped.iter().flat_map(|shipped| shipped.probe()));
            ops.extend(want.edit.probe(facts));
        }
        ops
    }

    fn interpret(&self, want: &Want, outputs: &Outputs, facts: &HostFacts) -> Interpreted<State> {
        match interpret(want, outputs, facts) {
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
                Action::MakeSubdir(_) | Action::SetSubdir(..) | Action::Shipped(..) => {
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

fn interpret(want: &Want, outputs: &Outputs, facts: &HostFacts) -> Result<State, Looking> {
    let seen = want.edit.look(outputs, facts)?;
    let mut state = State { seen, shown: None, strays: Vec::new(), extra: Vec::new() };
    if !want.present {
        return Ok(state);
    }
    if let Some(shipped) = &want.shipped {
        state.shown = Some(shipped.look(outputs, want.edit.show_diff, facts)?);
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
