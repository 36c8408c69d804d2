//! The run machine: what a driver calls, and the run as a whole. One resource's turn is in `advance.rs`.

use super::cache::Cache;
use super::options::Options;
use super::overlay::Overlay;
use super::parked::Parked;
use super::prepare::{Arranged, Node};
use super::proof::StandIns;
use super::render::Secrets;
use super::report::{Outcome, ResourceReport, RunReport, SkipCause};
use super::trigger::{Record, Triggers};
use super::turn::Turn;
use super::{Mask, prepare};
use crate::action::{Effect, Op, OpOutput};
use crate::bundle::{BundleResource, PolicyBundle, Raw};
use crate::entropy::Entropy;
use crate::host::{Host, HostFacts, Problem};
use crate::limits::RETRIES_MAX;
use crate::plan::Graph;
use crate::secret::{self, SecretNeeds, SecretValue, Withheld};
use crate::time::{Duration, Timestamp};
use crate::traits::TraitSet;
use crate::value::{Text, Value};
use crate::when::{Expr, Tri};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;

/// One run on one machine.
///
/// 1. Build it with [`Converge::new`].
/// 2. Call [`Converge::poll`] and do what the [`Step`] says, each answered by its `handle_…`; then poll again. Answers to
///    [`Step::Run`] may come in any order, also while others are still under way.
/// 3. After [`Step::Done`] the machine is finished and `poll` returns the same report again.
///
/// [`Converge::cancel`] may be called at any time: the operation in hand is finished, and one that resources have waited
/// for together; the rest is reported as not run.
/// [`Converge::abandon`] is for a driver that caught a panic out of any of these calls: the resource in hand fails and
/// the run goes on.
pub struct Converge {
    pub(super) bundle: Arc<PolicyBundle>,
    pub(super) host: &'static dyn Host,
    pub(super) facts: HostFacts,
    pub(super) options: Options,
    pub(super) traits: TraitSet,
    pub(super) envoy: Value,
    pub(super) secrets: Secrets,
    pub(super) scopes: Vec<Value>,
    /// What stands in for secrets, where digests of what is made of them are kept.
    pub(super) stand_ins: Option<StandIns>,
    pub(super) mask: RefCell<Mask>,
    pub(super) entropy: RefCell<Vec<Entropy>>,
    pub(super) nodes: Vec<Node>,
    pub(super) graph: Graph,
    /// Each crate's gate.
    pub(super) gates: Vec<Gate>,
    pub(super) cache: Cache,
    pub(super) overlay: Overlay,
    pub(super) triggers: Triggers,
    /// When a thing was last started in this run, by type and identity.
    pub(super) starts: BTreeMap<(&'static str, Arc<str>), u64>,
    /// Counts changes and starts, so that they can be compared.
    pub(super) sequence: u64,
    pub(super) turn: Option<Box<Turn>>,
    /// Turns that wait for an operation which others will ask for, too.
    pub(super) parked: Parked,
    /// The resource in hand, also while its turn is being advanced.
    pub(super) current: Option<(u32, Timestamp)>,
    pub(super) cancelled: bool,
    /// The resources that this run is about, as indices into the bundle's.
    pub(super) chosen: Vec<u32>,
    order: Vec<u32>,
    next: usize,
    stage: Stage,
    pub(super) pending: Option<Pending>,
    /// To be made durable before anything else.
    pub(super) records: Vec<Record>,
    storing: bool,
    ids: u64,
    started: Option<Timestamp>,
    reports: Vec<ResourceReport>,
}

/// What a driver has to do next.
#[derive(Debug)]
pub enum Step {
    /// Perform these and answer each with [`Converge::handle_output`]; their order is free.
    Run(Vec<(OpId, Arc<Op>)>),
    /// Make these durable, then call [`Converge::handle_stored`].
    Store(Vec<Record>),
    /// Get these secrets and call [`Converge::handle_secrets`].
    Resolve(Vec<Arc<str>>),
    /// Call [`Converge::handle_timeout`] at this time, or poll again then.
    WaitUntil {
        /// When.
        at: Timestamp,
        /// What is waited for.
        why: String,
    },
    /// Answers are outstanding.
    Waiting,
    /// The run is over.
    Done(Arc<RunReport>),
}

/// An operation of this run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OpId(pub u64);

enum Stage {
    Start,
    Secrets,
    /// Traits and clock decide what they can.
    Prepare,
    /// Templates are rendered, one resource after the other.
    Render,
    Turns,
    Done(Arc<RunReport>),
}

/// A crate's gate.
#[derive(Default)]
pub(super) struct Gate {
    /// As far as name, traits and clock decide it; `None` is true.
    pub(super) expr: Option<Expr>,
    /// What its looking part said, and in a plan the resource that keeps it from being known.
    pub(super) decided: Option<(Tri, Option<u32>)>,
}

/// Operations whose answers the turn waits for.
pub(super) struct Pending {
    ops: Vec<Arc<Op>>,
    answers: Vec<Option<Arc<OpOutput>>>,
    first: u64,
    emitted: bool,
    /// How many of them the turn asked for; the rest are a plan's own, which tell where paths lead.
    asked: usize,
    /// How often the plan has asked.
    rounds: u8,
}

/// Rounds of looks at where paths lead; more is a maze of links.
const LOOKS_MAX: u8 = 8;

impl Pending {
    fn add(&mut self, looks: Vec<Op>) {
        self.answers.extend(looks.iter().map(|_| None));
        self.ops.extend(looks.into_iter().map(Arc::new));
    }
}

impl Converge {
    /// Returns a machine for one run of `bundle` on the machine that `traits` and `facts` describe.
    pub fn new(
        bundle: Arc<PolicyBundle>,
        traits: TraitSet,
        host: &'static dyn Host,
        facts: HostFacts,
        mut options: Options,
    ) -> Self {
        let facts = HostFacts { planning: options.dry_run, ..facts };
        let entropy = core::mem::take(&mut options.entropy);
        let envoy = Value::map([
            ("Hostname", Value::text(options.envoy.hostname.clone())),
            ("ID", Value::text(options.envoy.id.clone())),
            ("Environment", Value::text(options.envoy.environment.clone())),
        ]);
        Self {
            bundle,
            host,
            facts,
            options,
            traits,
            envoy,
            secrets: Secrets::default(),
            scopes: Vec::new(),
            stand_ins: None,
            mask: RefCell::default(),
            entropy: RefCell::new(entropy),
            nodes: Vec::new(),
            graph: Graph::default(),
            gates: Vec::new(),
            cache: Cache::default(),
            overlay: Overlay::default(),
            triggers: Triggers::default(),
            starts: BTreeMap::new(),
            sequence: 0,
            turn: None,
            parked: Parked::default(),
            current: None,
            cancelled: false,
            chosen: Vec::new(),
            order: Vec::new(),
            next: 0,
            stage: Stage::Start,
            pending: None,
            records: Vec::new(),
            storing: false,
            ids: 0,
            started: None,
            reports: Vec::new(),
        }
    }

    /// Returns how many pieces of entropy a run of `bundle` may use: one for each attempt at a password that may have to be
    /// hashed, and one to prove it unchanged.
    pub fn entropy_wanted(bundle: &PolicyBundle) -> usize {
        let hashed = |name: &str, value: &Raw| name == "password" && matches!(value, Raw::Scalar(_));
        let pieces = |r: &BundleResource| {
            let selected = r.selector.iter().flat_map(|s| &s.arms).flat_map(|a| &a.set);
            let arms = r.arms.iter().flat_map(|a| &a.set).chain(selected);
            let has = r.attributes.iter().chain(arms).any(|a| hashed(&a.name, &a.value));
            if has { r.retries.min(RETRIES_MAX) as usize + 2 } else { 0 }
        };
        bundle.resources.iter().map(pieces).sum()
    }

    /// Returns whether a run of `bundle` brings back anything that earlier runs kept.
    pub fn reverts(bundle: &PolicyBundle) -> bool {
        bundle.resources.iter().any(|r| r.revert || r.on_revert.is_some())
    }

    /// Returns whether a run of `bundle` keeps digests of what is made of secrets, or asks for them.
    pub fn proves(bundle: &PolicyBundle) -> bool {
        !bundle.secret_refs.is_empty()
    }

    /// Returns what to do next.
    pub fn poll(&mut self, now: Timestamp) -> Step {
        self.facts.now = *self.started.get_or_insert(now);
        loop {
            if self.storing {
                return Step::Waiting;
            }
            if !self.records.is_empty() {
                if self.options.dry_run {
                    self.records.clear();
                    continue;
                }
                self.storing = true;
                return Step::Store(self.records.clone());
            }
            if self.cancelled && self.pending.as_ref().is_none_or(|p| !p.emitted) {
                self.cut_off(now);
            }
            if let Some(pending) = &mut self.pending {
                if !pending.emitted {
                    pending.emitted = true;
                    let open = pending.answers.iter().enumerate().filter(|(_, a)| a.is_none());
                    let ops: Vec<_> =
                        open.map(|(i, _)| (OpId(pending.first + i as u64), pending.ops[i].clone())).collect();
                    if !ops.is_empty() {
                        return Step::Run(ops);
                    }
                }
                if pending.answers.iter().any(Option::is_none) {
                    return Step::Waiting;
                }
                if let Some(mut pending) = self.pending.take() {
                    if self.options.dry_run && !self.overlaid(&mut pending) {
                        self.pending = Some(pending);
                        continue;
                    }
                    let answers = pending.answers.into_iter().flatten();
                    self.answered(pending.ops.into_iter().zip(answers).take(pending.asked).collect(), now);
                }
                continue;
            }
            match &self.stage {
                Stage::Start => {
                    self.stage = Stage::Secrets;
                    let needed = SecretNeeds::of(&self.bundle).of_name(&self.options.envoy.hostname);
                    if !needed.is_empty() {
                        return Step::Resolve(needed);
                    }
                    self.stage = Stage::Prepare;
                }
                Stage::Secrets => return Step::Waiting,
                Stage::Prepare => self.prepare(),
                Stage::Render => match self.chosen.get(self.nodes.len()) {
                    Some(&index) => {
                        let node = prepare::node(self, index);
                        self.nodes.push(node);
                    }
                    None => self.arrange(),
                },
                Stage::Done(report) => return Step::Done(report.clone()),
                Stage::Turns => {
                    if let Some(step) = self.turns(now) {
                        return step;
                    }
                }
            }
        }
    }

    /// Takes the answer to an operation. One that was not asked for, or twice, is passed over.
    pub fn handle_output(&mut self, id: OpId, output: OpOutput, _now: Timestamp) {
        let Some(pending) = &mut self.pending else { return };
        let Some(index) = id.0.checked_sub(pending.first).and_then(|i| usize::try_from(i).ok()) else { return };
        let (Some(op), Some(slot)) = (pending.ops.get(index), pending.answers.get_mut(index)) else { return };
        if slot.is_some() {
            return;
        }
        let output = Arc::new(output);
        if !self.options.dry_run {
            self.cache.put(op, &output);
        }
        *slot = Some(output);
    }

    /// Takes that the records of the last [`Step::Store`] are durable.
    pub fn handle_stored(&mut self) {
        self.storing = false;
        self.records.clear();
    }

    /// Takes that the records of the last [`Step::Store`] could not be made durable: the resource in hand fails before
    /// anything was changed.
    pub fn handle_store_failed(&mut self, why: &str) {
        self.storing = false;
        self.triggers.disarm(&core::mem::take(&mut self.records));
        self.pending = None;
        let problem = Problem::failed(alloc::format!("the state directory could not be written: {why}"));
        let now = self.current.map_or(self.started.unwrap_or_default(), |(_, started)| started);
        if let Some(mut turn) = self.turn.take().or_else(|| self.parked.pop()) {
            turn.kept = false;
            self.fail(turn, problem, now);
        }
    }

    /// Takes the secrets of the last [`Step::Resolve`]: each with its value, or why there is none.
    pub fn handle_secrets(&mut self, secrets: Vec<(Arc<str>, Result<String, Withheld>)>) {
        for (path, value) in secrets {
            match value {
                Ok(value) if secret::is_marked(&value) => {
                    self.secrets.denied.insert(
                        path,
                        Withheld::Refused("it holds a character that is reserved, U+10F5E0 or U+10F5E1".into()),
                    );
                }
                Ok(value) => {
                    let value = SecretValue::new(value);
                    self.mask.borrow_mut().add(value.reveal(), &path);
                    self.secrets.known.insert(path.clone(), Text::secret(value.reveal(), path));
                }
                Err(why) => {
                    self.secrets.denied.insert(path, why);
                }
            }
        }
        if matches!(self.stage, Stage::Secrets) {
            self.stage = Stage::Prepare;
        }
    }

    /// Takes that the time of a [`Step::WaitUntil`] has come. (Polling at that time does the same.)
    pub fn handle_timeout(&mut self, _now: Timestamp) {}

    /// Returns `crate/name` of the resource that has its turn.
    pub fn current_id(&self) -> Option<Arc<str>> {
        let node = self.nodes.get(self.current?.0 as usize)?;
        Some(self.bundle.resources.get(node.resource as usize)?.id.clone())
    }

    /// Returns how many resources have had their turn, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.order.len())
    }

    /// Returns an operation as logs may show it: no secret that the run has met is in it.
    pub fn shown(&self, op: &Op) -> String {
        let mut text = alloc::format!("{op}");
        self.mask.borrow().string(&mut text);
        text
    }

    /// Ends the run after the operation in hand.
    pub fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// Fails the resource in hand (or, before the turns, the one whose templates are rendered), after a driver caught a
    /// panic, and lets the run go on.
    pub fn abandon(&mut self, why: &str) {
        self.pending = None;
        self.storing = false;
        self.triggers.disarm(&core::mem::take(&mut self.records));
        self.turn = None;
        let problem = Problem::failed(alloc::format!("internal error: {why}"));
        let problem = problem.help("report this as a bug; the rest of the run went on");
        match (self.current.take(), &self.stage) {
            (Some((node, started)), _) => {
                let mut report = self.report_of(node);
                report.outcome = Outcome::Failed;
                (report.cause, report.help) = (Some(problem.message), problem.help);
                self.settle_node(node, report, started, started);
            }
            (None, Stage::Render) if self.nodes.len() < self.chosen.len() => {
                let resource = self.chosen.get(self.nodes.len()).copied().unwrap_or_default();
                self.nodes.push(Node::faulty(resource, problem));
            }
            (None, Stage::Turns | Stage::Done(_)) => {}
            (None, _) => self.abandon_all(why),
        }
    }

    /// A panic before the first turn leaves nothing to go on with.
    fn abandon_all(&mut self, why: &str) {
        let chosen = self.bundle.resources.iter().filter(|r| self.is_chosen(r));
        let reports = chosen.map(|r| {
            let mut report = ResourceReport::new(r);
            report.outcome = Outcome::Failed;
            report.cause = Some(alloc::format!("internal error before the run: {why}"));
            report
        });
        self.reports = reports.collect();
        self.finish(self.started.unwrap_or_default());
    }

    pub(super) fn prepare(&mut self) {
        self.scopes = self.bundle.scopes.iter().map(|scope| self.secrets.filled(scope)).collect();
        self.stand_ins = self.options.proofs.as_ref().and_then(|_| StandIns::new(&self.bundle, &self.secrets));
        let gate = |expr: &Option<Expr>| Gate { expr: expr.as_ref().map(|e| self.fold(e)), decided: None };
        self.gates = self.bundle.crates.iter().map(|c| gate(&c.gate)).collect();
        let resources = self.bundle.resources.iter().zip(0..);
        self.chosen = resources.filter(|(r, _)| self.is_chosen(r)).map(|(_, index)| index).collect();
        self.nodes.reserve(self.chosen.len());
        self.stage = Stage::Render;
    }

    fn arrange(&mut self) {
        let Arranged { graph, order, triggers, records } = prepare::arrange(self);
        self.graph = graph;
        self.order = order;
        self.triggers = triggers;
        self.records = records;
        self.reports.reserve(self.order.len());
        self.stage = Stage::Turns;
    }

    /// Goes on with the turn in hand, or gives the next resource its turn.
    fn turns(&mut self, now: Timestamp) -> Option<Step> {
        if self.turn.is_some() {
            return self.advance(now);
        }
        self.current = None;
        let next = self.order.get(self.next).copied();
        if let Some(node) = self.take_up(next, now) {
            self.current = Some((node, now));
            return None;
        }
        let Some(node) = next else {
            self.finish(now);
            return None;
        };
        self.next += 1;
        self.current = Some((node, now));
        if self.cancelled {
            let mut report = self.report_of(node);
            report.outcome = Outcome::Skipped(SkipCause::Cancelled);
            report.cause = Some("the run was cancelled before its turn".into());
            self.settle_node(node, report, now, now);
            return None;
        }
        self.begin(node, now);
        None
    }

    fn finish(&mut self, now: Timestamp) {
        let duration = self.started.map_or(Duration::ZERO, |started| now.since(started));
        let reports = core::mem::take(&mut self.reports);
        let report = RunReport::new(self.options.dry_run, duration, reports, self.bundle.files.clone());
        self.stage = Stage::Done(Arc::new(report));
    }

    /// Asks the driver for `ops`; what the overlay or the cache knows is not asked again.
    pub(super) fn ask(&mut self, ops: Vec<Op>) {
        let known = |op: &Op| {
            if op.effect() == Effect::Changes {
                return None;
            }
            if self.options.dry_run { self.overlay.answer(op).map(Arc::new) } else { self.cache.get(op) }
        };
        let answers: Vec<_> = ops.iter().map(known).collect();
        let (first, asked) = (self.ids, ops.len());
        let ops: Vec<Arc<Op>> = ops.into_iter().map(Arc::new).collect();
        let mut pending = Pending { ops, answers, first, emitted: false, asked, rounds: 0 };
        if self.options.dry_run {
            let looks = self.overlay.looks(&pending.ops);
            pending.add(looks);
        }
        self.ids += pending.ops.len() as u64;
        self.pending = Some(pending);
    }

    /// In a plan: lays the predicted changes over the machine's answers, once it is known where their paths lead.
    fn overlaid(&mut self, pending: &mut Pending) -> bool {
        for (op, answer) in pending.ops.iter().zip(&pending.answers).skip(pending.asked) {
            if let Some(answer) = answer {
                self.overlay.learn(op, answer);
            }
        }
        let looks = self.overlay.looks(pending.ops.get(..pending.asked).unwrap_or_default());
        if !looks.is_empty() && pending.rounds < LOOKS_MAX {
            self.ids += looks.len() as u64;
            pending.rounds += 1;
            pending.emitted = false;
            pending.add(looks);
            return false;
        }
        for (op, slot) in pending.ops.iter().zip(&mut pending.answers).take(pending.asked) {
            let Some(answer) = slot else { continue };
            let foreseen = self.overlay.answer(op).unwrap_or_else(|| self.overlay.amend(op, (**answer).clone()));
            *answer = Arc::new(foreseen);
        }
        true
    }

    /// Records what a resource came to, masked.
    pub(super) fn settle_node(&mut self, node: u32, mut report: ResourceReport, started: Timestamp, now: Timestamp) {
        report.duration = now.since(started);
        report.mask(&self.mask.borrow());
        if let Some(n) = self.nodes.get_mut(node as usize) {
            n.outcome = Some(report.outcome.clone());
            n.instance = None;
        }
        self.reports.push(report);
        self.current = None;
    }

    /// Returns an empty report of a resource.
    pub(super) fn report_of(&self, node: u32) -> ResourceReport {
        match self.nodes.get(node as usize).and_then(|n| self.bundle.resources.get(n.resource as usize)) {
            Some(resource) => ResourceReport::new(resource),
            None => ResourceReport::unnamed(),
        }
    }
}
