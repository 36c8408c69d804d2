//! The executor: one operation in, one answer out.

use super::failure::{Answer, failure};
use super::platform::{self, Last, Place, Programs, Resolver, Unsynced};
use super::{ExecutorOptions, fetch};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use vigo_core::action::{AbsPath, Effect, FailureKind, Op, OpFailure, OpOutput, StagedId};
use vigo_core::converge::OpId;
use vigo_core::guard;

/// Programs that are run side by side at most.
const RUNS_MAX: usize = 4;

/// Performs operations on this machine, one at a time; reads that are programs, a few at once.
///
/// Call [`Executor::perform`] with each operation, in order, and hand back what it answers. Every change is checked against
/// the guardrails once more, with links resolved. An executor belongs to one run: what it holds open, and what it has
/// staged, goes when it is dropped.
#[derive(Debug)]
pub struct Executor {
    pub(super) resolver: Resolver,
    pub(super) programs: Programs,
    options: ExecutorOptions,
    pub(super) staging: PathBuf,
    /// Downloads of this run.
    pub(super) staged: BTreeMap<StagedId, (PathBuf, [u8; 32])>,
    /// Folders that were looked through for leftovers.
    pub(super) swept: BTreeSet<String>,
    pub(super) unsynced: Unsynced,
    buf: Vec<u8>,
}

impl Executor {
    /// Returns an executor.
    ///
    /// # Errors
    /// When the root cannot be opened.
    pub fn new(options: ExecutorOptions) -> std::io::Result<Self> {
        Ok(Self {
            resolver: Resolver::new(options.root.clone())?,
            programs: Programs::new(options.secrets.clone()),
            staging: options.staging.clone(),
            options,
            staged: BTreeMap::new(),
            swept: BTreeSet::new(),
            unsynced: Unsynced::default(),
            buf: vec![0; platform::CHUNK],
        })
    }

    /// Returns another executor of the same root, for another thread.
    ///
    /// # Errors
    /// When the root cannot be opened.
    pub fn another(&self) -> std::io::Result<Self> {
        Self::new(self.options.clone())
    }

    /// Returns an executor of the machine itself.
    ///
    /// # Errors
    /// When its root cannot be opened.
    pub fn outside(&self) -> std::io::Result<Self> {
        Self::new(ExecutorOptions { root: None, ..self.options.clone() })
    }

    /// Returns whether an image or sandbox is worked on.
    pub fn has_image(&self) -> bool {
        self.resolver.has_image()
    }

    /// Performs one operation to its end.
    pub fn perform(&mut self, op: &Op) -> OpOutput {
        let answer = match op {
            Op::HashFile { path, follow } => platform::hash_file(&self.resolver, path, last(*follow), &mut self.buf),
            Op::ReadFile { path, follow, bytes_max } => {
                platform::read_file(&self.resolver, path, last(*follow), *bytes_max, &mut self.buf)
            }
            Op::Stat { path, follow } => platform::stat(&self.resolver, path, last(*follow)),
            Op::ListDir { path, deep, entries_max } => platform::list_dir(&self.resolver, path, *deep, *entries_max),
            Op::Space { path } => platform::space(&self.resolver, path),
            Op::Account { .. } if self.has_image() => Ok(OpOutput::Missing),
            Op::Account { kind, name } => self.programs.look_up(*kind, name),
            Op::ReadUrl { url, bytes_max } => fetch::read_url(url, *bytes_max),
            change => self.change(change),
        };
        answer.unwrap_or_else(OpOutput::Failed)
    }

    /// Performs operations whose order is free, and hands each answer to `answer` with its number. A panic is an answer
    /// too.
    pub fn perform_all(&mut self, ops: Vec<(OpId, Arc<Op>)>, mut answer: impl FnMut(OpId, OpOutput)) {
        let (mut runs, others): (Vec<_>, Vec<_>) = ops.into_iter().partition(|(_, op)| is_read_by_program(op));
        if runs.len() < 2 {
            for (id, op) in runs.into_iter().chain(others) {
                answer(id, self.contained(&op));
            }
            return;
        }
        for (id, op) in others {
            answer(id, self.contained(&op));
        }
        let programs = &self.programs;
        while !runs.is_empty() {
            let together: Vec<_> = runs.drain(..runs.len().min(RUNS_MAX)).collect();
            let answers: Vec<(OpId, OpOutput)> = std::thread::scope(|scope| {
                let run = |(id, op): (OpId, Arc<Op>)| {
                    let own = op.clone();
                    let handle = scope.spawn(move || match &*own {
                        Op::Run(command) => allowed(&own).map_or_else(OpOutput::Failed, |()| programs.run(command)),
                        _ => not_performed(&own),
                    });
                    (id, op, handle)
                };
                let handles: Vec<_> = together.into_iter().map(run).collect();
                let joined =
                    handles.into_iter().map(|(id, op, handle)| (id, handle.join().unwrap_or_else(|_| panicked(&op))));
                joined.collect()
            });
            for (id, output) in answers {
                answer(id, output);
            }
        }
    }

    /// Waits until all that was changed is on disk; to be called when a run ends.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&mut self) -> std::io::Result<()> {
        Ok(self.unsynced.sync()?)
    }

    fn contained(&mut self, op: &Op) -> OpOutput {
        catch_unwind(AssertUnwindSafe(|| self.perform(op))).unwrap_or_else(|_| panicked(op))
    }

    fn change(&mut self, op: &Op) -> Answer<OpOutput> {
        match op {
            Op::Run(command) => {
                allowed(op)?;
                // What it moves must not be held.
                self.resolver.forget();
                let output = self.programs.run(command);
                if command.effect == Effect::Changes {
                    self.programs.forget();
                }
                Ok(output)
            }
            Op::Fetch { url, sha256, staged } => self.fetch(url, *sha256, *staged),
            Op::Signal { pid, start_time, signal } => platform::signal(*pid, *start_time, signal),
            Op::ReplaceFile(replace) => {
                if replace.parents {
                    platform::make_parents(self, &replace.path)?;
                }
                let place = self.allow(op, &replace.path, last(replace.follow))?;
                self.replace(replace, &place)
            }
            Op::MakeDir { path, mode, owner, parents } => {
                if *parents {
                    platform::make_parents(self, path)?;
                }
                let place = self.allow(op, path, Last::Keep)?;
                self.unsynced.folder(&place.dir);
                platform::make_dir(&place, *mode, *owner)
            }
            Op::Symlink { path, to, owner, force } => {
                let place = self.allow(op, path, Last::Keep)?;
                self.resolver.forget();
                self.unsynced.folder(&place.dir);
                platform::symlink(&place, to, *owner, *force)
            }
            Op::HardLink { path, to, force } => {
                let place = self.allow(op, path, Last::Keep)?;
                let to = self.resolver.place(to, Last::Keep)?;
                allowed(&Op::HardLink { path: place.path.clone(), to: to.path.clone(), force: *force })?;
                self.unsynced.folder(&place.dir);
                platform::hard_link(&place, &to, *force)
            }
            Op::Remove { path, recursive } => {
                let place = match self.allow(op, path, Last::Keep) {
                    // Nothing is where no folder is.
                    Err(f) if f.kind == FailureKind::NoParent => return Ok(OpOutput::Done),
                    other => other?,
                };
                self.resolver.forget();
                self.unsynced.folder(&place.dir);
                platform::remove(&place, *recursive)
            }
            Op::Rename { from, to } => {
                let source = self.allow(op, from, Last::Keep)?;
                let target = self.resolver.place(to, Last::Keep)?;
                let resolved = Op::Rename { from: source.path.clone(), to: target.path.clone() };
                allowed(&resolved)?;
                self.resolver.forget();
                self.unsynced.folder(&source.dir);
                self.unsynced.folder(&target.dir);
                platform::rename(&source, &target)
            }
            Op::SetOwner { path, owner, follow } => {
                let place = self.allow(op, path, last(*follow))?;
                platform::set_owner(&place, *owner)
            }
            Op::SetMode { path, mode } => {
                let place = self.allow(op, path, Last::Keep)?;
                platform::set_mode(&place, *mode)
            }
            Op::SetContext { path, context } => {
                let place = self.allow(op, path, Last::Keep)?;
                platform::set_context_at(&place, context)
            }
            Op::ReadFile { .. }
            | Op::HashFile { .. }
            | Op::Stat { .. }
            | Op::ListDir { .. }
            | Op::Space { .. }
            | Op::Account { .. }
            | Op::ReadUrl { .. } => Ok(not_performed(op)),
        }
    }

    /// Finds the place of a change, and asks the guardrails about it as written and as it is with links resolved.
    fn allow(&mut self, op: &Op, path: &AbsPath, last: Last) -> Answer<Place> {
        allowed(op)?;
        let place = self.resolver.place(path, last)?;
        if place.path != *path {
            allowed(&moved(op, &place.path))?;
        }
        Ok(place)
    }

    /// Opens a staged download, and says what it must be.
    pub(super) fn staged(&self, id: StagedId) -> Answer<(File, [u8; 32])> {
        let Some((path, sha256)) = self.staged.get(&id) else {
            return Err(failure(FailureKind::Other, format!("nothing was downloaded as number {}", id.0)));
        };
        let file = File::open(path).map_err(|error| {
            let kind = platform::kind_of_io(&error);
            failure(kind, format!("open `{}`: {}", path.display(), super::failure::text(error)))
        })?;
        Ok((file, *sha256))
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // A run that was broken off before it asked for it.
        let _ = self.unsynced.sync();
        for (path, _) in self.staged.values() {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn allowed(op: &Op) -> Answer<()> {
    guard::check_op(op).map_err(|problem| failure(FailureKind::Denied, problem.message))
}

/// Returns the operation as it is with links resolved.
fn moved(op: &Op, to: &AbsPath) -> Op {
    let mut op = op.clone();
    match &mut op {
        Op::ReplaceFile(replace) => replace.path = to.clone(),
        Op::MakeDir { path, .. }
        | Op::Symlink { path, .. }
        | Op::HardLink { path, .. }
        | Op::Remove { path, .. }
        | Op::SetOwner { path, .. }
        | Op::SetMode { path, .. }
        | Op::SetContext { path, .. } => *path = to.clone(),
        Op::Rename { from, .. } => *from = to.clone(),
        _ => {}
    }
    op
}

fn is_read_by_program(op: &Op) -> bool {
    matches!(op, Op::Run(command) if command.effect == Effect::Reads && !command.background)
}

fn panicked(op: &Op) -> OpOutput {
    OpOutput::Failed(failure(FailureKind::Other, format!("internal error: the executor panicked at `{op}`")))
}

fn not_performed(op: &Op) -> OpOutput {
    OpOutput::Failed(OpFailure { kind: FailureKind::Other, message: format!("`{op}` is not performed here") })
}

fn last(follow: bool) -> Last {
    if follow { Last::Follow } else { Last::Keep }
}
