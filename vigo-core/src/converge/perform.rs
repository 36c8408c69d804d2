//! From actions to operations, and what comes of them.

use super::Converge;
use super::observe::Observation;
use super::predict::needed_parent;
use super::report::SkipCause;
use super::turn::{LOCK_PAUSE, PAUSE_MIN, Stage, Turn};
use crate::action::{Effect, FailureKind, Op, OpOutput};
use crate::guard;
use crate::host::{Phase, Problem, ProblemKind};
use crate::time::{Duration, Timestamp};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How long somebody else's lock is waited for, counted from when the operation was first asked for.
const LOCK_WAIT: Duration = Duration::from_secs(120);
/// How much of a failed command's output a report keeps.
const LOG_BYTES_MAX: usize = 4096;

impl Converge {
    /// Turns actions into operations, and begins to perform them; in a plan, on the overlay.
    pub(super) fn lower(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let Some(instance) = &turn.instance else { return };
        let mut ops = match instance.lower(&self.facts) {
            Ok(ops) => ops,
            Err(problem) => return self.fail(turn, problem, now),
        };
        let amends = instance.amend(&self.facts);
        let resource = self.nodes.get(turn.node as usize).and_then(|n| self.bundle.resources.get(n.resource as usize));
        let timeout = resource.and_then(|r| r.timeout);
        if turn.rounds == 0 {
            turn.deadline = now + timeout.unwrap_or(instance.timeout());
        }
        (turn.settle_until, turn.pause) = (None, PAUSE_MIN);
        if let Some(timeout) = timeout {
            for op in &mut ops {
                if let Op::Run(command) = op {
                    command.timeout = timeout;
                }
            }
        }
        if let Err(problem) = ops.iter().chain(&amends).try_for_each(guard::check_op) {
            return self.fail(turn, problem, now);
        }
        if !amends.is_empty() {
            turn.amends = amends;
        }
        turn.rounds += 1;
        self.sequence += 1;
        if instance.starts() {
            turn.started_at = Some(self.sequence);
        }
        if self.options.dry_run {
            return self.foresee(turn, ops);
        }
        if !turn.acted {
            // Stored before the change is made: a crash in the middle must not lose whom it concerns.
            let (id, targets) = self.id_and_targets(turn.node);
            let records = self.triggers.arm(&id, &targets, self.sequence);
            self.records.extend(records);
        }
        turn.queue = ops.into();
        turn.stage = Stage::Perform;
        if !turn.kept && !turn.refreshing {
            turn.kept = true;
            if let Some(read) = self.before_change(&mut turn) {
                turn.stage = Stage::Keep;
                self.turn = Some(turn);
                return self.ask(alloc::vec![read]);
            }
        }
        self.turn = Some(turn);
    }

    pub(super) fn perform(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        if now > turn.deadline && !turn.queue.is_empty() && turn.amending.is_none() {
            let next = turn.queue.front().map(ToString::to_string).unwrap_or_default();
            let problem = Problem::failed(format!("its time was over before `{next}`"));
            return self.fail(turn, problem.help("write a longer `timeout`"), now);
        }
        match turn.queue.pop_front() {
            Some(op) if self.may_park(&turn, &op) => {
                turn.queue.push_front(op);
                self.parked.push(turn, now);
            }
            Some(op) => {
                if op.effect() == Effect::Changes && turn.asked.is_none() {
                    turn.report.operations.push(op.to_string());
                }
                turn.asked.get_or_insert(now);
                if let Some(answer) = self.parked.answer(&op).filter(|_| turn.rounds == 1 && turn.attempt == 0) {
                    return self.performed(turn, alloc::vec![answer], now);
                }
                self.turn = Some(turn);
                self.ask(alloc::vec![op]);
            }
            None => {
                if let Some(problem) = turn.amending.take() {
                    return self.fail(turn, problem, now);
                }
                turn.observation = Observation::default();
                turn.stage = Stage::Observe(Phase::After);
                self.turn = Some(turn);
            }
        }
    }

    pub(super) fn performed(&mut self, mut turn: Box<Turn>, answers: Vec<(Arc<Op>, Arc<OpOutput>)>, now: Timestamp) {
        let Some(instance) = &turn.instance else { return };
        let asked = turn.asked.take();
        for (op, output) in answers {
            if op.effect() == Effect::Changes {
                self.cache.spoil(&op, instance.type_name(), instance.spoils());
            }
            if instance.shares(&op) {
                self.parked.keep(&op, &output);
            }
            let problem = match &*output {
                OpOutput::Failed(failure)
                    if failure.kind == FailureKind::Changed && turn.rounds < 2 && turn.amending.is_none() =>
                {
                    // Somebody else was faster: one new look, at what is there now.
                    turn.queue.clear();
                    turn.open.clear();
                    turn.observation = Observation::default();
                    turn.stage = Stage::Observe(Phase::After);
                    self.turn = Some(turn);
                    return;
                }
                OpOutput::Failed(failure)
                    if failure.kind == FailureKind::NoParent
                        && !turn.acted
                        && let Some(why) = needed_parent(&op).and_then(|dir| self.unmade(turn.node, &dir)) =>
                {
                    return self.skip(turn, SkipCause::Dependency, why, now);
                }
                OpOutput::Failed(failure) => {
                    let mut problem = Problem::from(failure);
                    problem.message = format!("`{op}`: {}", problem.message);
                    problem
                }
                OpOutput::Ran(ran) => {
                    let code = ran.code();
                    let accepted = match &*op {
                        Op::Run(c) => code.is_some_and(|code| c.accept.contains(&code)) || c.effect == Effect::Reads,
                        _ => true,
                    };
                    turn.acted |= accepted && op.effect() == Effect::Changes;
                    let objection = if accepted { instance.objection(&op, ran) } else { None };
                    if accepted && objection.is_none() {
                        let remark = instance.remark(&op, ran).filter(|note| !turn.report.notes.contains(note));
                        turn.report.notes.extend(remark);
                        continue;
                    }
                    let shown = !matches!(&*op, Op::Run(c) if c.hide_output);
                    let log = if shown { tail(&ran.err()).or_else(|| tail(&ran.out())) } else { None };
                    // That of what failed first is the one to read.
                    turn.report.log = if turn.amending.is_some() { turn.report.log.take() } else { log };
                    let exit = || Problem::failed(format!("`{op}`: {}", ran.exit));
                    objection.or_else(|| instance.classify(&op, ran)).unwrap_or_else(exit)
                }
                output => {
                    if let (OpOutput::DoneInPlace, Op::ReplaceFile(replace)) = (output, &*op) {
                        let note = format!("`{}` is a mount point: it was rewritten in place", replace.path);
                        turn.report.notes.push(note);
                    }
                    turn.acted |= op.effect() == Effect::Changes;
                    continue;
                }
            };
            if problem.kind == ProblemKind::Locked
                && let Some(since) = asked.filter(|since| now < *since + LOCK_WAIT && !self.cancelled)
            {
                turn.asked = Some(since);
                turn.queue.push_front((*op).clone());
                turn.stage = Stage::Locked { until: now + LOCK_PAUSE, why: problem.message };
                self.turn = Some(turn);
                return;
            }
            if turn.amending.is_some() {
                turn.report.notes.push(format!("`{op}` was to put back what was taken away before: {problem}"));
                continue;
            }
            turn.queue.clear();
            return self.diagnose(turn, problem);
        }
        if now > turn.deadline && turn.amending.is_none() {
            turn.queue.clear();
            return self.fail(turn, Problem::failed("it took longer than its `timeout`"), now);
        }
        self.turn = Some(turn);
    }

    /// Reads what a failure left behind, before the turn fails.
    pub(super) fn diagnose(&mut self, mut turn: Box<Turn>, problem: Problem) {
        let reads = turn.instance.as_ref().map(|i| i.diagnose(&self.facts)).unwrap_or_default();
        turn.stage = Stage::Diagnose(problem);
        self.turn = Some(turn);
        if !reads.is_empty() && reads.iter().all(|op| op.effect() == Effect::Reads) {
            self.ask(reads);
        }
    }

    pub(super) fn diagnosed(&mut self, mut turn: Box<Turn>, answers: Vec<(Arc<Op>, Arc<OpOutput>)>, now: Timestamp) {
        for (op, output) in answers {
            if let OpOutput::Ran(ran) = &*output
                && let Some(text) = tail(&ran.out())
            {
                let log = turn.report.log.get_or_insert_with(String::new);
                if !log.is_empty() {
                    log.push('\n');
                }
                log.push_str(&format!("{op}\n{text}"));
            }
        }
        if let Stage::Diagnose(problem) = core::mem::replace(&mut turn.stage, Stage::Ready) {
            self.fail(turn, problem, now);
        }
    }
}

/// Returns the end of a text, by whole lines; `None` when there is nothing.
fn tail(text: &str) -> Option<String> {
    let text = text.trim_end();
    if text.is_empty() {
        return None;
    }
    if text.len() <= LOG_BYTES_MAX {
        return Some(text.into());
    }
    let mut from = text.len() - LOG_BYTES_MAX;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let rest = &text[from..];
    Some(rest.split_once('\n').map_or(rest, |(_, lines)| lines).into())
}
