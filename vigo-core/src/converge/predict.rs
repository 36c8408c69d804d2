//! What a plan expects: operations on the overlay, and what nobody can know behind them.

use super::Converge;
use super::prepare::Node;
use super::report::{Outcome, SkipCause};
use super::turn::{Stage, Turn};
use crate::action::{AbsPath, Effect, FailureKind, FileKind, Op, OpOutput};
use crate::bundle::EdgeKind;
use crate::host::Problem;
use crate::plan::Reason;
use crate::time::Timestamp;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Converge {
    /// Lists the operations in place of performing them, and looks whether the directories exist that they need.
    pub(super) fn foresee(&mut self, mut turn: Box<Turn>, ops: Vec<Op>) {
        let changes = ops.iter().filter(|op| op.effect() == Effect::Changes);
        turn.report.operations.extend(changes.map(ToString::to_string));
        let parents = ops.iter().filter_map(needed_parent).map(|path| Op::Stat { path, follow: true }).collect();
        turn.stage = Stage::Foresee(ops);
        self.turn = Some(turn);
        self.ask(parents);
    }

    /// Fails what would fail for want of a directory, unless something before it may bring that.
    pub(super) fn foreseen(&mut self, mut turn: Box<Turn>, answers: &[(Arc<Op>, Arc<OpOutput>)], now: Timestamp) {
        let Stage::Foresee(ops) = core::mem::replace(&mut turn.stage, Stage::Ready) else { return };
        let made = |dir: &AbsPath| ops.iter().any(|op| matches!(op, Op::MakeDir { path, .. } if path == dir));
        let missing = answers.iter().find_map(|(op, output)| match (&**op, &**output) {
            (Op::Stat { path, .. }, OpOutput::Missing) if !made(path) => {
                let problem = Problem::failed(format!("its directory `{path}` does not exist"));
                Some((
                    problem.help("declare the `directory`, or write `make_parents: true`"),
                    self.unmade(turn.node, path),
                ))
            }
            (Op::Stat { path, .. }, OpOutput::Stat(meta)) if meta.kind != FileKind::Dir => {
                Some((Problem::failed(format!("expected a directory at `{path}`, found something else")), None))
            }
            _ => None,
        });
        if let Some((problem, unmade)) = missing
            && self.doubt_before(turn.node).is_none()
        {
            return match unmade {
                Some(why) => self.skip(turn, SkipCause::Dependency, why, now),
                None => self.fail(turn, problem, now),
            };
        }
        self.predict(turn, &ops, now);
    }

    fn predict(&mut self, mut turn: Box<Turn>, ops: &[Op], now: Timestamp) {
        let Some(instance) = &turn.instance else { return };
        let prediction = instance.predict(&turn.observation.outputs);
        for op in prediction.shadow.iter().chain(ops) {
            self.overlay.perform(op);
        }
        if let Some(dir) = prediction.covers {
            self.overlay.cover(dir);
        }
        for op in &prediction.shadow {
            self.cache.spoil(op, instance.type_name(), instance.spoils());
        }
        let unpredictable = instance.unpredictable();
        if let (Some(state), Some(node)) = (prediction.state, self.nodes.get(turn.node as usize))
            && let Some(identity) = &node.identity
        {
            self.overlay.foretell(instance.type_name(), identity, state);
        }
        if let Some(node) = self.nodes.get_mut(turn.node as usize) {
            node.unpredictable = unpredictable;
        }
        turn.acted = true;
        self.note_start(&turn);
        let (id, targets) = self.id_and_targets(turn.node);
        self.triggers.arm(&id, &targets, self.sequence);
        if turn.refreshing {
            return self.succeed(turn, now);
        }
        turn.stage = Stage::Refresh;
        self.turn = Some(turn);
    }

    /// In a plan: takes over what is doubtful about what comes before.
    pub(super) fn inherit_doubt(&mut self, node: u32) {
        if !self.options.dry_run {
            return;
        }
        let (mut doubt, mut moved) = (None, None);
        for &(from, _) in self.graph.before(node) {
            let Some(earlier) = self.nodes.get(from as usize) else { continue };
            let changes = matches!(earlier.outcome, Some(Outcome::Changed | Outcome::Unknown { .. }));
            doubt = if changes && earlier.unpredictable { Some(from) } else { earlier.doubt }.or(doubt);
            moved = if changes { Some(from) } else { earlier.moved }.or(moved);
        }
        if let Some(n) = self.nodes.get_mut(node as usize) {
            n.doubt = doubt;
            n.moved = moved;
        }
    }

    pub(super) fn name(&self, node: Option<u32>) -> Option<Arc<str>> {
        let node = self.nodes.get(node? as usize)?;
        Some(self.bundle.resources.get(node.resource as usize)?.id.clone())
    }

    /// In a plan: the resource before this one whose effects cannot be known.
    pub(super) fn doubt_before(&self, node: u32) -> Option<Arc<str>> {
        self.name(self.nodes.get(node as usize)?.doubt)
    }

    /// In a plan: what would trigger this resource if it changed, and may.
    pub(super) fn unknown_source(&self, node: u32) -> Option<Arc<str>> {
        let notifies = |reason: &Reason| *reason == Reason::Written(EdgeKind::Notifies);
        let is_unknown = |n: &Node| matches!(n.outcome, Some(Outcome::Unknown { .. }));
        let mut sources = self.graph.before(node).iter().filter(|(_, reason)| notifies(reason));
        let source = sources.find(|(from, _)| self.nodes.get(*from as usize).is_some_and(is_unknown));
        self.name(source.map(|&(from, _)| from))
    }

    /// In a plan: what keeps a condition of this resource from being known.
    pub(super) fn unsure(&self, node: u32) -> Option<u32> {
        let node = self.nodes.get(node as usize)?;
        node.doubt.or(node.moved)
    }

    /// In a plan: what keeps this resource from being observed, where that comes before it.
    pub(super) fn unsure_of(&self, turn: &Turn) -> Option<Arc<str>> {
        let unmade = |o: &OpOutput| matches!(o, OpOutput::Failed(f) if f.kind == FailureKind::Unmade);
        let is_unmade = turn.observation.outputs.iter().any(|(_, output)| unmade(output));
        self.doubt_before(turn.node).or_else(|| self.moved_before(turn.node).filter(|_| is_unmade))
    }

    /// In a plan: a resource before this one that would change.
    pub(super) fn moved_before(&self, node: u32) -> Option<Arc<str>> {
        self.name(self.nodes.get(node as usize)?.moved)
    }
}

/// Returns the directory that an operation needs and does not make.
pub(super) fn needed_parent(op: &Op) -> Option<AbsPath> {
    let path = match op {
        Op::ReplaceFile(r) if !r.parents => &r.path,
        Op::MakeDir { path, parents: false, .. } | Op::Symlink { path, .. } | Op::HardLink { path, .. } => path,
        _ => return None,
    };
    path.parent()
}
