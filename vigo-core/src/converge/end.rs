//! How a turn ends: refreshed, failed and tried again, cut off, done.

use super::Converge;
use super::report::{Outcome, SkipCause};
use super::turn::{Stage, Turn};
use crate::host::{Problem, ProblemKind};
use crate::time::Timestamp;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Converge {
    /// After the normal turn of a steady resource: whether a trigger has something for it to do.
    pub(super) fn refresh(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let Some(node) = self.nodes.get(turn.node as usize) else { return };
        let Some(resource) = self.bundle.resources.get(node.resource as usize) else { return };
        let newest = self.triggers.newest(&resource.id);
        let due = match newest {
            Some(at) if !resource.handler => !self.started_after(turn.node, at),
            _ => false,
        };
        let is_told = due || turn.acted || resource.handler;
        let unknown = if is_told { None } else { self.unknown_source(turn.node) };
        if !(due || unknown.is_some()) || !turn.instance.as_mut().is_some_and(|i| i.refresh()) {
            return self.succeed(turn, now);
        }
        if let Some(because) = unknown {
            return self.end(turn, Outcome::Unknown { because }, now);
        }
        turn.refreshing = true;
        turn.report.refreshed = true;
        turn.rounds = 0;
        self.lower(turn, now);
    }

    pub(super) fn skip(&mut self, mut turn: Box<Turn>, cause: SkipCause, why: String, now: Timestamp) {
        turn.report.cause = Some(why);
        self.end(turn, Outcome::Skipped(cause), now);
    }

    /// Ends the turn as the kind of the problem has it, or begins its next attempt.
    pub(super) fn fail(&mut self, turn: Box<Turn>, problem: Problem, now: Timestamp) {
        let (mut turn, problem) = match self.amend(turn, problem) {
            Ok(()) => return,
            Err(failed) => failed,
        };
        let node = self.nodes.get(turn.node as usize);
        let resource = node.and_then(|n| self.bundle.resources.get(n.resource as usize));
        let again = matches!(
            problem.kind,
            ProblemKind::Failed
                | ProblemKind::Blocked
                | ProblemKind::Locked
                | ProblemKind::NotSettled
                | ProblemKind::Unobservable
        );
        if let Some(resource) = resource
            && again
            && turn.attempt < resource.retries
            && !self.cancelled
            && !self.options.dry_run
        {
            turn.attempt += 1;
            turn.report.notes.push(format!("attempt {} failed: {problem}", turn.attempt));
            turn.stage = Stage::Retry { until: now + resource.retry_delay };
            self.turn = Some(turn);
            return;
        }
        self.give_up(turn, problem, now);
    }

    /// Ends the turn as the kind of the problem has it.
    pub(super) fn give_up(&mut self, mut turn: Box<Turn>, problem: Problem, now: Timestamp) {
        turn.report.cause = Some(self.cause(&problem));
        turn.report.help = problem.help;
        turn.report.unsupported = problem.kind == ProblemKind::Unsupported;
        let outcome = match problem.kind {
            ProblemKind::Blocked | ProblemKind::Locked => Outcome::Blocked,
            ProblemKind::Evaluation => Outcome::Skipped(SkipCause::Error),
            ProblemKind::Secret => Outcome::Skipped(SkipCause::Secret),
            _ => Outcome::Failed,
        };
        self.end(turn, outcome, now);
    }

    /// Begins to put back what the operations took away for as long as they last; the turn fails after that.
    ///
    /// # Errors
    /// The turn and its problem, when there is nothing of the kind.
    fn amend(&mut self, mut turn: Box<Turn>, problem: Problem) -> Result<(), (Box<Turn>, Problem)> {
        turn.queue.clear();
        let amends = core::mem::take(&mut turn.amends);
        if amends.is_empty() || !turn.acted {
            return Err((turn, problem));
        }
        turn.queue = amends.into();
        turn.amending = Some(problem);
        turn.stage = Stage::Perform;
        self.turn = Some(turn);
        Ok(())
    }

    /// Ends the turn in a run that was cancelled, unless its operations are through.
    pub(super) fn cut_off(&mut self, now: Timestamp) {
        let Some(turn) = self.turn.take() else { return };
        if !turn.is_open() || self.goes_through(&turn) {
            self.turn = Some(turn);
            return;
        }
        self.pending = None;
        if turn.acted {
            let problem = Problem::failed("the run was cancelled between two of its operations");
            if let Err((turn, problem)) = self.amend(turn, problem) {
                self.give_up(turn, problem, now);
            }
            return;
        }
        if turn.attempt > 0 {
            let problem = Problem::failed(format!("the run was cancelled before attempt {}", turn.attempt + 1));
            return self.give_up(turn, problem, now);
        }
        self.skip(turn, SkipCause::Cancelled, "the run was cancelled before it was changed".into(), now);
    }

    pub(super) fn succeed(&mut self, turn: Box<Turn>, now: Timestamp) {
        let outcome = if turn.acted { Outcome::Changed } else { Outcome::Ok };
        self.end(turn, outcome, now);
    }

    pub(super) fn end(&mut self, mut turn: Box<Turn>, outcome: Outcome, now: Timestamp) {
        if matches!(outcome, Outcome::Ok | Outcome::Changed) {
            let proof = self.proof_of(&mut turn);
            self.records.extend(proof);
        }
        let Turn { node, started, mut report, .. } = *turn;
        let (id, targets) = self.id_and_targets(node);
        match &outcome {
            Outcome::Ok | Outcome::Changed => {
                let mut records = self.triggers.fire(&id, &targets);
                records.extend(self.triggers.consume(&id));
                records.extend(self.brought_back(node));
                self.records.extend(records);
            }
            Outcome::Unknown { .. } => {
                if let Some(n) = self.nodes.get_mut(node as usize) {
                    n.unpredictable = true;
                }
            }
            _ => {}
        }
        report.outcome = outcome;
        self.settle_node(node, report, started, now);
    }

    fn cause(&self, problem: &Problem) -> String {
        match problem.place {
            Some(place) => {
                let at = super::render::Renderer::shown(&self.bundle, place);
                format!("{at}: {problem}")
            }
            None => problem.to_string(),
        }
    }

    pub(super) fn id_and_targets(&self, node: u32) -> (Arc<str>, Vec<Arc<str>>) {
        let node = self.nodes.get(node as usize);
        let id = node.and_then(|n| self.bundle.resources.get(n.resource as usize)).map_or("".into(), |r| r.id.clone());
        (id, node.map(|n| n.targets.clone()).unwrap_or_default())
    }

    /// Notes that what the turn started has come up.
    pub(super) fn note_start(&mut self, turn: &Turn) {
        let Some(node) = self.nodes.get(turn.node as usize) else { return };
        if let (Some(at), Some(decl), Some(identity)) = (turn.started_at, node.decl, &node.identity) {
            self.starts.insert((decl.name, identity.clone()), at);
        }
    }

    /// Returns whether what the resource is about was started after `at` in this run.
    pub(super) fn started_after(&self, node: u32, at: u64) -> bool {
        let Some(node) = self.nodes.get(node as usize) else { return false };
        let (Some(decl), Some(identity)) = (node.decl, &node.identity) else { return false };
        self.starts.get(&(decl.name, identity.clone())).is_some_and(|&started| started > at)
    }
}
