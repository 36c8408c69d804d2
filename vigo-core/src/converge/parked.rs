//! Turns that wait together for one operation: several changed unit files cost one `daemon-reload`.

use super::Converge;
use super::turn::{Stage, Turn};
use crate::action::{Op, OpOutput};
use crate::time::Timestamp;
use crate::when::Expr;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;

/// Turns that wait with a shared operation at the head of their queues.
#[derive(Default)]
pub(super) struct Parked {
    turns: VecDeque<(Box<Turn>, Timestamp)>,
    /// They are going on: nobody else waits with them.
    going_on: bool,
    /// What was performed for the first of them, and came of it.
    shared: Option<(Arc<Op>, Arc<OpOutput>)>,
}

impl Parked {
    pub(super) fn push(&mut self, turn: Box<Turn>, now: Timestamp) {
        self.turns.push_back((turn, now));
    }

    /// Takes back the turn that began to wait last.
    pub(super) fn pop(&mut self) -> Option<Box<Turn>> {
        self.turns.pop_back().map(|(turn, _)| turn)
    }

    /// Keeps what came of the operation, while turns that wait for it go on.
    pub(super) fn keep(&mut self, op: &Arc<Op>, output: &Arc<OpOutput>) {
        self.shared = self.going_on.then(|| (op.clone(), output.clone()));
    }

    /// Returns what came of the operation, where it was performed for another of the turns: once for each.
    pub(super) fn answer(&self, op: &Op) -> Option<(Arc<Op>, Arc<OpOutput>)> {
        self.shared.clone().filter(|(shared, _)| **shared == *op)
    }
}

impl Converge {
    /// Returns whether a turn whose next operation is `op` waits, so that others may ask for the same.
    pub(super) fn may_park(&self, turn: &Turn, op: &Op) -> bool {
        let first = turn.rounds == 1 && turn.attempt == 0 && !turn.refreshing;
        first && !self.parked.going_on && !self.cancelled && turn.instance.as_ref().is_some_and(|i| i.shares(op))
    }

    /// Goes on with a turn that waits, unless the resource that is `next` may have its turn before; returns whose it is.
    pub(super) fn take_up(&mut self, next: Option<u32>, now: Timestamp) -> Option<u32> {
        if self.parked.turns.is_empty() {
            self.parked = Parked::default();
            return None;
        }
        let waits = !self.parked.going_on && !self.cancelled && next.is_some_and(|next| self.may_go_before(next));
        if waits {
            return None;
        }
        let (mut turn, since) = self.parked.turns.pop_front()?;
        self.parked.going_on = true;
        turn.deadline = turn.deadline + now.since(since);
        let node = turn.node;
        self.turn = Some(turn);
        Some(node)
    }

    /// Returns whether a turn goes through what it has waited for, also when the run was cancelled meanwhile: it was put
    /// off for the sake of the others alone, and would be left half done.
    pub(super) fn goes_through(&self, turn: &Turn) -> bool {
        let next = || turn.queue.front().zip(turn.instance.as_ref()).is_some_and(|(op, i)| i.shares(op));
        self.parked.going_on && matches!(turn.stage, Stage::Perform) && (turn.asked.is_some() || next())
    }

    /// Returns whether a resource neither depends on those that wait, nor can see that they do.
    fn may_go_before(&self, node: u32) -> bool {
        let Some(n) = self.nodes.get(node as usize) else { return false };
        let krate = self.bundle.resources.get(n.resource as usize).map_or(0, |r| r.krate as usize);
        let open = |expr: &Option<Expr>| expr.as_ref().is_some_and(|e| *e != Expr::True);
        let gate = self.gates.get(krate).is_some_and(|gate| open(&gate.expr) && gate.decided.is_none());
        let looks = open(&n.when) || gate;
        let apart = |(turn, _): &(Box<Turn>, Timestamp)| {
            let after = self.graph.before(node).iter().any(|(from, _)| *from == turn.node);
            let types = turn.instance.as_ref().map_or(&[][..], |i| i.together());
            !after && n.decl.is_some_and(|decl| types.contains(&decl.name))
        };
        !looks && self.parked.turns.iter().all(apart)
    }
}
