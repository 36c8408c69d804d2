//! What is there against what is wanted: observing, comparing, waiting.

use super::Converge;
use super::observe::Seen;
use super::report::Outcome;
use super::turn::{Stage, Turn};
use crate::action::{Effect, Op};
use crate::guard;
use crate::host::{Phase, Problem, ProblemKind};
use crate::resource::{Instance, Verdict};
use crate::time::{Duration, Timestamp};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Rounds of operations, each after a new observation.
const ROUNDS_MAX: u8 = 3;
/// The longest pause before looking again.
const PAUSE_MAX: Duration = Duration::from_secs(2);

impl Converge {
    pub(super) fn observe(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let Stage::Observe(phase) = turn.stage else { return };
        let Some(mut instance) = turn.instance.take() else { return };
        let foretold = self
            .nodes
            .get(turn.node as usize)
            .and_then(|n| n.identity.clone())
            .and_then(|identity| self.overlay.foretold(instance.type_name(), &identity).cloned());
        let seen = match foretold {
            Some(state) if turn.lacking.is_none() && instance.assume(&state) => Seen::Known,
            _ if phase == Phase::After || turn.observation.begun() => match instance.probe(&self.facts) {
                ops if ops.is_empty() => {
                    turn.observation.answers(Vec::new(), &mut *instance, &mut self.cache, &self.facts)
                }
                ops => Seen::Ask(ops),
            },
            _ => {
                let name = instance.type_name();
                let node = self.nodes.get(turn.node as usize);
                let is_batch = node.and_then(|n| n.decl).is_some_and(|d| d.batch && d.name == name);
                let mut others: Vec<&dyn Instance> = Vec::new();
                if is_batch && turn.lacking.is_none() && self.cache.batch(name).is_none() {
                    let instances = self.nodes.iter().filter_map(|n| n.instance.as_deref());
                    others.extend(instances.filter(|i| i.type_name() == name));
                }
                turn.observation.begin(&mut *instance, &others, &self.cache, &self.facts)
            }
        };
        turn.instance = Some(instance);
        self.seen(turn, phase, seen, now);
    }

    pub(super) fn seen(&mut self, mut turn: Box<Turn>, phase: Phase, seen: Seen, now: Timestamp) {
        if let Some(why) = self.unproved(&turn, &seen) {
            return self.give_up(turn, why, now);
        }
        match seen {
            Seen::Ask(ops) => {
                let guards = turn.instance.as_ref().is_some_and(|i| i.guards());
                // A command's answer, and what runs, may depend on anything that was done before.
                let live = |op: &Op| match op {
                    Op::Run(_) => true,
                    Op::ListDir { path, .. } => path.as_str() == "/proc",
                    _ => false,
                };
                if guards
                    && ops.iter().any(live)
                    && let Some(because) = self.moved_before(turn.node)
                {
                    return self.end(turn, Outcome::Unknown { because }, now);
                }
                if let Some(op) = ops.iter().find(|op| op.effect() == Effect::Changes) {
                    let problem = Problem::failed(format!("an observation wanted to change something: {op}"));
                    return self.fail(turn, problem, now);
                }
                if let Err(problem) = ops.iter().try_for_each(guard::check_op) {
                    return self.fail(turn, problem, now);
                }
                self.turn = Some(turn);
                self.ask(ops);
            }
            Seen::Unknown(why) => match self.unsure_of(&turn) {
                Some(because) => self.end(turn, Outcome::Unknown { because }, now),
                None => {
                    let problem = Problem::new(ProblemKind::Unobservable, format!("it could not be observed: {why}"));
                    self.fail(turn, problem, now);
                }
            },
            Seen::Known if turn.lacking.is_some() => {
                turn.report.notes.push("its secret is not at hand: it is as it was left with it".into());
                self.succeed(turn, now);
            }
            Seen::Known => {
                let Some(instance) = &mut turn.instance else { return };
                let verdict = instance.compare(phase);
                self.judge(turn, phase, verdict, now);
            }
        }
    }

    fn judge(&mut self, mut turn: Box<Turn>, phase: Phase, verdict: Verdict, now: Timestamp) {
        let Verdict { changes, diff, pending, failure, notes, doubtful } = verdict;
        for note in notes {
            if !turn.report.notes.contains(&note) {
                turn.report.notes.push(note);
            }
        }
        if (doubtful || failure.is_some())
            && let Some(because) = self.doubt_before(turn.node)
        {
            turn.report.changes = changes;
            return self.end(turn, Outcome::Unknown { because }, now);
        }
        if let Some(problem) = failure {
            if turn.report.changes.is_empty() {
                turn.report.changes = changes;
            }
            return match phase {
                Phase::Before => self.fail(turn, problem, now),
                Phase::After => self.diagnose(turn, problem),
            };
        }
        if let Some(why) = pending {
            return self.wait(turn, phase, why, now);
        }
        if changes.is_empty() {
            turn.amends.clear();
            self.note_start(&turn);
            turn.stage = Stage::Refresh;
            if turn.refreshing {
                return self.succeed(turn, now);
            }
            self.turn = Some(turn);
            return;
        }
        if phase == Phase::Before {
            // What an earlier attempt changed is told beside what it left.
            let told = if turn.acted { core::mem::take(&mut turn.report.changes) } else { Vec::new() };
            let new = changes.iter().filter(|c| !told.iter().any(|t| t.field == c.field)).cloned().collect();
            turn.report.changes = [told, new].concat();
            turn.report.diff = turn.report.diff.take().filter(|_| turn.acted).or_else(|| diff.map(|d| d.unified()));
        } else if turn.rounds >= ROUNDS_MAX || turn.open == changes {
            // No progress by acting again: give it time, where the family says that it may need some.
            turn.open = changes;
            let open: Vec<String> = turn.open.iter().map(|c| format!("{} is `{}`", c.field, c.before)).collect();
            return self.wait(turn, phase, open.join(", "), now);
        }
        turn.open = changes;
        self.lower(turn, now);
    }

    /// Waits for a state, or fails when its time has passed.
    fn wait(&mut self, mut turn: Box<Turn>, phase: Phase, why: String, now: Timestamp) {
        if self.options.dry_run {
            turn.report.notes.push(format!("it is on its way: {why}"));
            return self.succeed(turn, now);
        }
        let settle = turn.instance.as_ref().map_or(Duration::ZERO, |i| i.settle());
        let until = *turn.settle_until.get_or_insert(now + settle);
        if now >= until || self.cancelled {
            let expected: Vec<String> = turn.open.iter().map(|c| format!("`{}`", c.after)).collect();
            let expected =
                if expected.is_empty() { String::new() } else { format!("expected {}; ", expected.join(", ")) };
            let what = if now >= until { "it did not settle" } else { "the run was cancelled before it settled" };
            let problem = Problem::new(ProblemKind::NotSettled, format!("{what}: {expected}{why}"));
            return self.diagnose(turn, problem);
        }
        let at = now + turn.pause;
        turn.pause = Duration::from_ms((turn.pause.as_ms() * 2).min(PAUSE_MAX.as_ms()));
        turn.stage = Stage::Wait { until: at.min(until), why, phase };
        self.turn = Some(turn);
    }
}
