//! How a turn goes on: `when:` → dependencies → trigger → observe → compare → lower → perform → observe again → refresh.

use super::observe::{Observation, Seen};
use super::report::{Outcome, SkipCause};
use super::turn::{Stage, Turn};
use super::{Converge, Step};
use crate::action::{AbsPath, Effect, FailureKind, FileKind, Op, OpOutput};
use crate::bundle::EdgeKind;
use crate::guard;
use crate::host::{Phase, Problem, ProblemKind};
use crate::plan::Reason;
use crate::resource::{Instance, Verdict};
use crate::time::{Duration, Timestamp};
use crate::when::Tri;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Rounds of operations, each after a new observation.
const ROUNDS_MAX: u8 = 3;
/// The first pause before looking again, doubled up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_ms(50);
/// The longest pause before looking again.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How much of a failed command's output a report keeps.
const LOG_BYTES_MAX: usize = 4096;

impl Converge {
    /// Gives a resource its turn.
    pub(super) fn begin(&mut self, node: u32, now: Timestamp) {
        let report = self.report_of(node);
        self.inherit_doubt(node);
        self.turn = Some(Box::new(Turn {
            node,
            stage: Stage::Gate,
            started: now,
            attempt: 0,
            looks: Vec::new(),
            looking: None,
            instance: None,
            observation: Observation::default(),
            queue: VecDeque::new(),
            rounds: 0,
            deadline: now,
            settle_until: None,
            pause: PAUSE_MIN,
            open: Vec::new(),
            kept: false,
            acted: false,
            refreshing: false,
            report,
        }));
    }

    /// Goes on with the turn in hand until something is asked, waited for, or it is over.
    pub(super) fn advance(&mut self, now: Timestamp) -> Option<Step> {
        let mut turn = self.turn.take()?;
        match &turn.stage {
            Stage::Gate => self.gate(turn, now),
            Stage::When => self.when(turn, now),
            Stage::Ready => self.ready(turn, now),
            Stage::Observe(_) => self.observe(turn, now),
            Stage::Keep | Stage::Perform => self.perform(turn, now),
            Stage::Foresee(_) => self.foreseen(turn, &[], now),
            Stage::Wait { until, phase, why } => {
                if now < *until && !self.cancelled {
                    let step = Step::WaitUntil { at: *until, why: why.clone() };
                    self.turn = Some(turn);
                    return Some(step);
                }
                turn.stage = Stage::Observe(*phase);
                turn.observation = Observation::default();
                self.turn = Some(turn);
            }
            Stage::Retry { until } => {
                if now < *until && !self.cancelled {
                    let step = Step::WaitUntil { at: *until, why: format!("attempt {}", turn.attempt + 1) };
                    self.turn = Some(turn);
                    return Some(step);
                }
                turn.stage = Stage::Ready;
                turn.instance = None;
                turn.refreshing = false;
                self.turn = Some(turn);
            }
            Stage::Diagnose(_) => self.diagnosed(turn, Vec::new(), now),
            Stage::Refresh => self.refresh(turn, now),
        }
        None
    }

    /// Takes the answers to what the turn asked.
    pub(super) fn answered(&mut self, answers: Vec<(Arc<Op>, Arc<OpOutput>)>, now: Timestamp) {
        let Some(mut turn) = self.turn.take() else { return };
        match &turn.stage {
            Stage::Gate | Stage::When => {
                self.looked(answers, &mut turn);
                self.turn = Some(turn);
            }
            Stage::Observe(phase) => {
                let phase = *phase;
                let Some(mut instance) = turn.instance.take() else { return };
                let seen = turn.observation.answers(answers, &mut *instance, &mut self.cache, &self.facts);
                turn.instance = Some(instance);
                self.seen(turn, phase, seen, now);
            }
            Stage::Keep => self.keep(turn, &answers),
            Stage::Perform => self.performed(turn, answers, now),
            Stage::Foresee(_) => self.foreseen(turn, &answers, now),
            Stage::Diagnose(_) => self.diagnosed(turn, answers, now),
            _ => self.turn = Some(turn),
        }
    }

    fn gate(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let Some(node) = self.nodes.get(turn.node as usize) else { return };
        let krate = self.bundle.resources.get(node.resource as usize).map_or(0, |r| r.krate as usize);
        let decided = match self.gates.get(krate).cloned().flatten() {
            Some(tri) => Some(tri),
            None => {
                let gate = node.gate.clone();
                self.decide(gate.as_ref(), &mut turn)
            }
        };
        let Some(tri) = decided else {
            self.turn = Some(turn);
            return;
        };
        if let Some(known) = self.gates.get_mut(krate) {
            *known = Some(tri.clone());
        }
        match tri {
            Tri::True => {
                turn.stage = Stage::When;
                self.turn = Some(turn);
            }
            Tri::False => self.skip(turn, SkipCause::When, "its crate's gate is false".into(), now),
            Tri::Unknown(why) => self.unknown_when(turn, "the crate's gate", &why, now),
        }
    }

    fn when(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let when = self.nodes.get(turn.node as usize).and_then(|n| n.when.clone());
        match self.decide(when.as_ref(), &mut turn) {
            None => self.turn = Some(turn),
            Some(Tri::True) => {
                turn.stage = Stage::Ready;
                self.turn = Some(turn);
            }
            Some(Tri::False) => self.skip(turn, SkipCause::When, "`when:` is false".into(), now),
            Some(Tri::Unknown(why)) => self.unknown_when(turn, "`when:`", &why, now),
        }
    }

    fn unknown_when(&mut self, turn: Box<Turn>, what: &str, why: &str, now: Timestamp) {
        let doubt = self.doubt_before(turn.node).or_else(|| self.moved_before(turn.node));
        match doubt.filter(|_| self.options.dry_run) {
            Some(because) => self.end(turn, Outcome::Unknown { because }, now),
            None => self.skip(turn, SkipCause::Error, format!("{what} cannot be decided: {why}"), now),
        }
    }

    /// Dependencies, trigger, long texts, instance.
    fn ready(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let bundle = self.bundle.clone();
        let Some(node) = self.nodes.get_mut(turn.node as usize) else { return };
        let Some(resource) = bundle.resources.get(node.resource as usize) else { return };
        let fault = node.fault.take();
        for &(from, reason) in self.graph.before(turn.node) {
            let Some(earlier) = self.nodes.get(from as usize) else { continue };
            let bad = earlier.outcome.as_ref().is_some_and(|o| !o.satisfies());
            if reason == Reason::Written(EdgeKind::Requires) && bad {
                let id = bundle.resources.get(earlier.resource as usize).map_or("", |r| &*r.id);
                let word = earlier.outcome.as_ref().map_or("", Outcome::word);
                let why = format!("`{id}`, which it depends on, {}", was(word));
                return self.skip(turn, SkipCause::Dependency, why, now);
            }
        }
        if let Some(problem) = fault {
            return self.fail(turn, problem, now);
        }
        if resource.handler {
            match self.triggers.newest(&resource.id) {
                None => {
                    let why = "nothing triggered it".into();
                    return self.skip(turn, SkipCause::Untriggered, why, now);
                }
                Some(at) if self.started_after(turn.node, at) => {
                    turn.report.notes.push("it was started after the change already".into());
                    return self.succeed(turn, now);
                }
                Some(_) => {}
            }
        }
        match self.make(&turn, resource) {
            Err(problem) => self.fail(turn, problem, now),
            Ok(None) => {
                turn.report.notes.push("its `on_revert` command has succeeded already".into());
                self.succeed(turn, now);
            }
            Ok(Some(instance)) => {
                let timeout = resource.timeout.unwrap_or(instance.timeout());
                turn.deadline = now + timeout;
                turn.settle_until = None;
                turn.rounds = 0;
                turn.pause = PAUSE_MIN;
                turn.open.clear();
                turn.instance = Some(instance);
                turn.observation = Observation::default();
                turn.stage = Stage::Observe(Phase::Before);
                self.turn = Some(turn);
            }
        }
    }

    /// Returns what brings the resource to its state; `None` when a revert has nothing left to do.
    fn make(
        &mut self,
        turn: &Turn,
        resource: &crate::bundle::BundleResource,
    ) -> Result<Option<Box<dyn Instance>>, Problem> {
        if let Some(command) = &resource.on_revert {
            return self.revert_command(resource, command);
        }
        let node = self.nodes.get_mut(turn.node as usize);
        if let Some(instance) = node.and_then(|n| n.instance.take()).filter(|_| !resource.revert) {
            return Ok(Some(instance));
        }
        let Some(node) = self.nodes.get(turn.node as usize) else {
            return Err(Problem::failed("it is not part of the run"));
        };
        let Some(decl) = node.decl else { return Err(Problem::failed("its type is not known")) };
        let open = |f: &crate::resource::Fields| f.items.iter().any(|i| f.is_pending(&i.name));
        let fields = match &node.fields {
            Some(fields) if !open(fields) => fields,
            _ => &self.fields(resource, decl, true)?,
        };
        guard::check_footprint(&(decl.footprint)(fields))?;
        let instance = if resource.revert { self.reverted(resource, fields) } else { self.instance(resource, fields) };
        instance.map(Some)
    }

    fn observe(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let Stage::Observe(phase) = turn.stage else { return };
        let Some(mut instance) = turn.instance.take() else { return };
        let foretold = self
            .nodes
            .get(turn.node as usize)
            .and_then(|n| n.identity.clone())
            .and_then(|identity| self.overlay.foretold(instance.type_name(), &identity).cloned());
        let seen = match foretold {
            Some(state) if instance.assume(&state) => Seen::Known,
            _ if phase == Phase::After || turn.observation.begun() => match instance.probe(&self.facts) {
                ops if ops.is_empty() => {
                    turn.observation.answers(Vec::new(), &mut *instance, &mut self.cache, &self.facts)
                }
                ops => Seen::Ask(ops),
            },
            _ => {
                let name = instance.type_name();
                let same = |i: &&dyn Instance| i.type_name() == name;
                let others: Vec<&dyn Instance> =
                    self.nodes.iter().filter_map(|n| n.instance.as_deref()).filter(same).collect();
                turn.observation.begin(&mut *instance, &others, &self.cache, &self.facts)
            }
        };
        turn.instance = Some(instance);
        self.seen(turn, phase, seen, now);
    }

    fn seen(&mut self, mut turn: Box<Turn>, phase: Phase, seen: Seen, now: Timestamp) {
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
            Seen::Unknown(why) => match self.doubt_before(turn.node) {
                Some(because) => self.end(turn, Outcome::Unknown { because }, now),
                None => {
                    let problem = Problem::new(ProblemKind::Unobservable, format!("it could not be observed: {why}"));
                    self.fail(turn, problem, now);
                }
            },
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
            turn.settle_until = None;
            turn.stage = Stage::Refresh;
            if turn.refreshing {
                return self.succeed(turn, now);
            }
            self.turn = Some(turn);
            return;
        }
        if phase == Phase::Before {
            turn.report.changes = changes.clone();
            turn.report.diff = diff.map(|d| d.unified());
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
            let problem = Problem::new(ProblemKind::NotSettled, format!("it did not settle: {expected}{why}"));
            return self.diagnose(turn, problem);
        }
        let at = now + turn.pause;
        turn.pause = Duration::from_ms((turn.pause.as_ms() * 2).min(PAUSE_MAX.as_ms()));
        turn.stage = Stage::Wait { until: at.min(until), why, phase };
        self.turn = Some(turn);
    }

    /// Turns actions into operations, and begins to perform them; in a plan, on the overlay.
    fn lower(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let Some(instance) = &turn.instance else { return };
        let mut ops = match instance.lower(&self.facts) {
            Ok(ops) => ops,
            Err(problem) => return self.fail(turn, problem, now),
        };
        let resource = self.nodes.get(turn.node as usize).and_then(|n| self.bundle.resources.get(n.resource as usize));
        if let Some(timeout) = resource.and_then(|r| r.timeout) {
            for op in &mut ops {
                if let Op::Run(command) = op {
                    command.timeout = timeout;
                }
            }
        }
        if let Err(problem) = ops.iter().try_for_each(guard::check_op) {
            return self.fail(turn, problem, now);
        }
        turn.rounds += 1;
        self.sequence += 1;
        if instance.starts() {
            self.note_start(turn.node);
        }
        if self.options.dry_run {
            turn.report
                .operations
                .extend(ops.iter().filter(|op| op.effect() == Effect::Changes).map(ToString::to_string));
            let parents: Vec<Op> = ops.iter().filter_map(needed_parent).collect();
            turn.stage = Stage::Foresee(ops);
            self.turn = Some(turn);
            return self.ask(parents);
        }
        if !turn.acted && !turn.refreshing {
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

    /// Fails what would fail for want of a directory, unless something before it may bring that.
    fn foreseen(&mut self, mut turn: Box<Turn>, answers: &[(Arc<Op>, Arc<OpOutput>)], now: Timestamp) {
        let Stage::Foresee(ops) = core::mem::replace(&mut turn.stage, Stage::Ready) else { return };
        let made = |dir: &AbsPath| ops.iter().any(|op| matches!(op, Op::MakeDir { path, .. } if path == dir));
        let missing = answers.iter().find_map(|(op, output)| match (&**op, &**output) {
            (Op::Stat { path, .. }, OpOutput::Missing) if !made(path) => {
                let problem = Problem::failed(format!("its directory `{path}` does not exist"));
                Some(problem.help("declare the `directory`, or write `make_parents: true`"))
            }
            (Op::Stat { path, .. }, OpOutput::Stat(meta)) if meta.kind != FileKind::Dir => {
                Some(Problem::failed(format!("expected a directory at `{path}`, found something else")))
            }
            _ => None,
        });
        if let Some(problem) = missing
            && self.doubt_before(turn.node).is_none()
        {
            return self.fail(turn, problem, now);
        }
        self.predict(turn, &ops, now);
    }

    fn predict(&mut self, mut turn: Box<Turn>, ops: &[Op], now: Timestamp) {
        let Some(instance) = &turn.instance else { return };
        let prediction = instance.predict(&turn.observation.outputs);
        for op in prediction.shadow.iter().chain(ops) {
            self.overlay.perform(op);
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
        if turn.refreshing {
            return self.succeed(turn, now);
        }
        let (id, targets) = self.id_and_targets(turn.node);
        self.triggers.arm(&id, &targets, self.sequence);
        turn.stage = Stage::Refresh;
        self.turn = Some(turn);
    }

    fn perform(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        if now > turn.deadline && !turn.queue.is_empty() {
            let next = turn.queue.front().map(ToString::to_string).unwrap_or_default();
            let problem = Problem::failed(format!("its time was over before `{next}`"));
            return self.fail(turn, problem.help("write a longer `timeout`"), now);
        }
        if self.cancelled && !turn.queue.is_empty() {
            let problem = Problem::failed("the run was cancelled between two of its operations");
            return self.fail(turn, problem, now);
        }
        match turn.queue.pop_front() {
            Some(op) => {
                if op.effect() == Effect::Changes {
                    turn.report.operations.push(op.to_string());
                }
                self.turn = Some(turn);
                self.ask(alloc::vec![op]);
            }
            None => {
                turn.observation = Observation::default();
                turn.stage = Stage::Observe(Phase::After);
                self.turn = Some(turn);
            }
        }
    }

    fn performed(&mut self, mut turn: Box<Turn>, answers: Vec<(Arc<Op>, Arc<OpOutput>)>, now: Timestamp) {
        let Some(instance) = &turn.instance else { return };
        for (op, output) in answers {
            if op.effect() == Effect::Changes {
                self.cache.spoil(&op, instance.type_name(), instance.spoils());
            }
            let problem = match &*output {
                OpOutput::Failed(failure) if failure.kind == FailureKind::Changed && turn.rounds < 2 => {
                    // Somebody else was faster: one new look, at what is there now.
                    turn.queue.clear();
                    turn.open.clear();
                    turn.observation = Observation::default();
                    turn.stage = Stage::Observe(Phase::After);
                    self.turn = Some(turn);
                    return;
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
                        continue;
                    }
                    let shown = !matches!(&*op, Op::Run(c) if c.hide_output);
                    turn.report.log = if shown { tail(&ran.err()).or_else(|| tail(&ran.out())) } else { None };
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
            turn.queue.clear();
            return self.diagnose(turn, problem);
        }
        if now > turn.deadline {
            turn.queue.clear();
            return self.fail(turn, Problem::failed("it took longer than its `timeout`"), now);
        }
        self.turn = Some(turn);
    }

    /// Reads what a failure left behind, before the turn fails.
    fn diagnose(&mut self, mut turn: Box<Turn>, problem: Problem) {
        let reads = turn.instance.as_ref().map(|i| i.diagnose(&self.facts)).unwrap_or_default();
        turn.stage = Stage::Diagnose(problem);
        self.turn = Some(turn);
        if !reads.is_empty() && reads.iter().all(|op| op.effect() == Effect::Reads) {
            self.ask(reads);
        }
    }

    fn diagnosed(&mut self, mut turn: Box<Turn>, answers: Vec<(Arc<Op>, Arc<OpOutput>)>, now: Timestamp) {
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

    /// After the normal turn of a steady resource: whether a trigger has something for it to do.
    fn refresh(&mut self, mut turn: Box<Turn>, now: Timestamp) {
        let Some(node) = self.nodes.get(turn.node as usize) else { return };
        let Some(resource) = self.bundle.resources.get(node.resource as usize) else { return };
        let newest = self.triggers.newest(&resource.id);
        let due = match newest {
            Some(at) if !resource.handler => !self.started_after(turn.node, at),
            _ => false,
        };
        if !due || !turn.instance.as_mut().is_some_and(|i| i.refresh()) {
            return self.succeed(turn, now);
        }
        turn.refreshing = true;
        turn.report.refreshed = true;
        turn.rounds = 0;
        self.lower(turn, now);
    }

    fn skip(&mut self, mut turn: Box<Turn>, cause: SkipCause, why: String, now: Timestamp) {
        turn.report.cause = Some(why);
        self.end(turn, Outcome::Skipped(cause), now);
    }

    /// Ends the turn as the kind of the problem has it, or begins its next attempt.
    pub(super) fn fail(&mut self, mut turn: Box<Turn>, problem: Problem, now: Timestamp) {
        let node = self.nodes.get(turn.node as usize);
        let resource = node.and_then(|n| self.bundle.resources.get(n.resource as usize));
        let again = matches!(
            problem.kind,
            ProblemKind::Failed | ProblemKind::Blocked | ProblemKind::NotSettled | ProblemKind::Unobservable
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
        turn.report.cause = Some(self.cause(&problem));
        turn.report.help = problem.help;
        let outcome = match problem.kind {
            ProblemKind::Blocked => Outcome::Blocked,
            ProblemKind::Evaluation => Outcome::Skipped(SkipCause::Error),
            ProblemKind::Secret => Outcome::Skipped(SkipCause::Secret),
            _ => Outcome::Failed,
        };
        self.end(turn, outcome, now);
    }

    fn succeed(&mut self, turn: Box<Turn>, now: Timestamp) {
        let outcome = if turn.acted { Outcome::Changed } else { Outcome::Ok };
        self.end(turn, outcome, now);
    }

    fn end(&mut self, turn: Box<Turn>, outcome: Outcome, now: Timestamp) {
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

    fn id_and_targets(&self, node: u32) -> (Arc<str>, Vec<Arc<str>>) {
        let node = self.nodes.get(node as usize);
        let id = node.and_then(|n| self.bundle.resources.get(n.resource as usize)).map_or("".into(), |r| r.id.clone());
        (id, node.map(|n| n.targets.clone()).unwrap_or_default())
    }

    fn note_start(&mut self, node: u32) {
        let Some(node) = self.nodes.get(node as usize) else { return };
        if let (Some(decl), Some(identity)) = (node.decl, &node.identity) {
            self.starts.insert((decl.name, identity.clone()), self.sequence);
        }
    }

    /// Returns whether what the resource is about was started after `at` in this run.
    fn started_after(&self, node: u32, at: u64) -> bool {
        let Some(node) = self.nodes.get(node as usize) else { return false };
        let (Some(decl), Some(identity)) = (node.decl, &node.identity) else { return false };
        self.starts.get(&(decl.name, identity.clone())).is_some_and(|&started| started > at)
    }

    /// In a plan: takes over what is doubtful about what comes before.
    fn inherit_doubt(&mut self, node: u32) {
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

    fn name(&self, node: Option<u32>) -> Option<Arc<str>> {
        let node = self.nodes.get(node? as usize)?;
        Some(self.bundle.resources.get(node.resource as usize)?.id.clone())
    }

    /// In a plan: the resource before this one whose effects cannot be known.
    fn doubt_before(&self, node: u32) -> Option<Arc<str>> {
        self.name(self.nodes.get(node as usize)?.doubt)
    }

    /// In a plan: a resource before this one that would change.
    pub(super) fn moved_before(&self, node: u32) -> Option<Arc<str>> {
        self.name(self.nodes.get(node as usize)?.moved)
    }
}

/// Returns the look at the directory that an operation needs and does not make.
fn needed_parent(op: &Op) -> Option<Op> {
    let path = match op {
        Op::ReplaceFile(r) if !r.parents => &r.path,
        Op::MakeDir { path, parents: false, .. } | Op::Symlink { path, .. } | Op::HardLink { path, .. } => path,
        _ => return None,
    };
    Some(Op::Stat { path: path.parent()?, follow: true })
}

fn was(word: &str) -> String {
    match word {
        "failed" => "failed".into(),
        word => format!("was {word}"),
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
