//! Converge on a model: first while everything fails, then until it rests.
//!
//! While faults rage it is watched that
//! - what is in no policy is not touched;
//! - what is asked of a service is what its policy wants, and something that it needs: nothing unmasks, enables, starts or
//!   stops unasked, and no failed look is taken for "stopped" or "disabled";
//! - what was started in a run is not restarted in it;
//! - what a policy leaves alone of a service stays as it is;
//! - nothing is done any more for a service that could not be observed;
//! - what is reported as in order is so.
//!
//! Without faults every service has then to be as it is wanted within three runs, a daemon that was notified has to have taken
//! in its configuration, and one more run changes nothing.

use super::model::{Can, Model, Run};
use super::wish::{Goal, Wish};
use crate::converge::{Outcome, RunReport, StoredTrigger};
use crate::host::{Host, HostFacts, Init};
use crate::random::Random;
use crate::resource::service::OnNotify;
use crate::sim::Violation;
use crate::sim::fault::Faults;
use crate::time::{Duration, Timestamp};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

/// Converge on a model of a service manager.
pub struct Trial<M> {
    pub(super) host: &'static dyn Host,
    pub(super) facts: HostFacts,
    pub(super) seed: u64,
    pub(super) model: M,
    pub(super) faults: Faults,
    pub(super) now: Timestamp,
    pub(super) wishes: Vec<Wish>,
    /// Versions of the files that notify services.
    pub(super) versions: BTreeMap<Arc<str>, u64>,
    /// When those files were written.
    pub(super) written: BTreeMap<String, Timestamp>,
    pub(super) triggers: Vec<StoredTrigger>,
    pub(super) seen: Seen,
    /// `None` where nobody asks for it.
    pub(super) trace: Option<VecDeque<String>>,
}

/// What happened in a trial.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Runs that ended.
    pub runs: u32,
    /// Runs in which the agent died.
    pub deaths: u32,
    /// Operations that changed something, or tried to.
    pub changes: u32,
    /// Operations that something befell.
    pub mishaps: u32,
    /// Resources that failed.
    pub failures: u32,
    /// Services that nobody can bring to what is wanted of them, at the end.
    pub hopeless: u32,
    /// Runs after the faults until all was in order; of several trials the most.
    pub rounds: u32,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.deaths += other.deaths;
        self.changes += other.changes;
        self.mishaps += other.mishaps;
        self.failures += other.failures;
        self.hopeless += other.hopeless;
        self.rounds = self.rounds.max(other.rounds);
    }
}

/// How many lines a trace keeps.
const TRACE_MAX: usize = 300;

/// Runs while everything fails, and at most until all is in order.
const STORM_RUNS: u32 = 5;
const ROUNDS_MAX: u32 = 3;

/// One in so many operations does not go as it should.
const RARITY: u64 = 12;

impl<M: Model> Trial<M> {
    /// Lives through a trial of the model that `model` makes, with policies and faults from `seed`.
    ///
    /// # Errors
    /// [`Violation`], what must not be, with the last things that happened before it.
    pub fn run(
        host: &'static dyn Host,
        facts: &HostFacts,
        seed: u64,
        model: fn(u64, Timestamp) -> M,
    ) -> Result<Seen, Violation> {
        let now = Timestamp::from_epoch_secs(1_795_262_400);
        let live = |trace| Self::live(host, facts.clone(), model(seed, now), seed, now, trace);
        // Only where something is wrong it is written down how it came about.
        live(None).or_else(|_| live(Some(VecDeque::new())))
    }

    fn live(
        host: &'static dyn Host,
        facts: HostFacts,
        model: M,
        seed: u64,
        now: Timestamp,
        trace: Option<VecDeque<String>>,
    ) -> Result<Seen, Violation> {
        let mut random = Random::new(seed ^ 0x7415);
        let can = model.can();
        let services = model.services();
        let managed = services.into_iter().filter(|_| random.below(4) > 0).collect::<Vec<_>>();
        let wishes: Vec<Wish> = managed.into_iter().map(|name| Wish::draw(name, can, &mut random)).collect();
        let mut trial = Self {
            host,
            facts,
            seed,
            model,
            faults: Faults::new(seed ^ 0xfa17, RARITY),
            now,
            wishes,
            versions: BTreeMap::new(),
            written: BTreeMap::new(),
            triggers: Vec::new(),
            seen: Seen::default(),
            trace,
        };
        trial.agree();
        trial.storm()?;
        trial.calm(can)?;
        Ok(trial.seen)
    }

    /// Lives through a trial for each seed, and sums up what happened.
    ///
    /// # Errors
    /// The first violation, with the last things that happened before it.
    pub fn run_all(
        host: &'static dyn Host,
        facts: &HostFacts,
        seeds: Range<u64>,
        model: fn(u64, Timestamp) -> M,
    ) -> Result<Seen, String> {
        let mut sum = Seen::default();
        for seed in seeds {
            let told = |v: Violation| format!("{v}\n{}", v.trace.join("\n"));
            sum.add(Self::run(host, facts, seed, model).map_err(told)?);
        }
        Ok(sum)
    }

    /// Takes out what contradicts itself: what is to run while something is to be stopped without which it cannot.
    fn agree(&mut self) {
        let stopped = |wish: &&Wish| wish.state == Goal::Stopped;
        let stopped: Vec<Arc<str>> = self.wishes.iter().filter(stopped).map(|wish| wish.service.clone()).collect();
        for wish in &mut self.wishes {
            let truth = self.model.truth(&wish.service, self.now);
            let contradicts = truth.is_some_and(|truth| truth.stopped_with.iter().any(|need| stopped.contains(need)));
            if contradicts && wish.state != Goal::Stopped {
                (wish.state, wish.is_notified) = (Goal::Unmanaged, false);
            }
        }
    }

    fn storm(&mut self) -> Result<(), Violation> {
        for _ in 0..STORM_RUNS {
            for index in 0..self.wishes.len() {
                if self.faults.below(3) == 0 {
                    *self.versions.entry(self.wishes[index].service.clone()).or_default() += 1;
                }
            }
            for service in self.model.services() {
                if self.faults.below(6) == 0 {
                    let number = self.faults.below(1000);
                    self.note(|| format!("somebody meddles with {service}: {number}"));
                    self.model.meddle(&service, number, self.now);
                }
            }
            self.converge()?;
            self.now = self.now + Duration::from_ms(self.faults.below(400_000));
        }
        Ok(())
    }

    fn calm(&mut self, can: Can) -> Result<(), Violation> {
        self.faults.stop();
        self.model.calm(self.now);
        // What was on its way arrives.
        self.now = self.now + Duration::from_secs(120);
        self.note(|| "calm".into());
        let hopeless = self.hopeless(can);
        self.seen.hopeless = hopeless.len() as u32;
        let is_open = |report: &RunReport| {
            let bad = |id: &str| {
                let name = id.trim_start_matches("c/");
                !hopeless.iter().any(|service| **service == *name)
            };
            report.resources.iter().any(|r| bad(&r.id) && !matches!(r.outcome, Outcome::Ok | Outcome::Changed))
        };
        let mut rounds = 0;
        loop {
            rounds += 1;
            let (report, _) = self.converge()?.ok_or_else(|| self.violation("the agent died in a calm".into()))?;
            if !is_open(&report) {
                break;
            }
            if rounds == ROUNDS_MAX {
                let open = report.resources.iter().map(|r| format!("{} {:?}: {:?}", r.id, r.outcome, r.cause));
                let what = format!("it has not converged after {rounds} runs: {:?}", open.collect::<Vec<_>>());
                return Err(self.violation(what));
            }
            self.now = self.now + Duration::from_secs(120);
        }
        self.seen.rounds = rounds;
        // What follows from the last of it comes to rest.
        self.now = self.now + Duration::from_secs(120);
        self.all_met(&hopeless)?;
        let (report, watch) = self.converge()?.ok_or_else(|| self.violation("the agent died in a calm".into()))?;
        let changed = report.resources.iter().any(|r| matches!(r.outcome, Outcome::Changed));
        let only_hopeless = watch.deeds.iter().all(|(service, _)| hopeless.contains(service));
        if changed || (watch.changes > 0 && hopeless.is_empty()) || !only_hopeless {
            return Err(self.violation(format!("one more run changed something: {:?}", watch.deeds)));
        }
        self.all_met(&hopeless)
    }

    /// Returns the services that nobody can bring to what is wanted of them.
    fn hopeless(&mut self, can: Can) -> Vec<Arc<str>> {
        let mut hopeless = Vec::new();
        // What needs another that will not run is found after that one: once for each service is enough.
        for wish in self.wishes.iter().cycle().take(self.wishes.len() * self.wishes.len()) {
            let Some(truth) = self.model.truth(&wish.service, self.now) else { continue };
            let lacks = |need: &Arc<str>| {
                let is_up = self.model.truth(need, self.now).is_some_and(|truth| truth.run == Run::Up);
                match self.wishes.iter().find(|wish| wish.service == *need) {
                    Some(Wish { state: Goal::Running, .. }) => hopeless.contains(need),
                    Some(Wish { state: Goal::Stopped, .. }) => true,
                    _ => !is_up,
                }
            };
            let needs = truth.needs.clone();
            let is_needy = wish.state == Goal::Running && needs.iter().any(lacks);
            if (is_needy || wish.is_hopeless(&truth, can)) && !hopeless.contains(&wish.service) {
                hopeless.push(wish.service.clone());
            }
        }
        hopeless
    }

    /// Looks whether everything is as it is wanted.
    fn all_met(&mut self, hopeless: &[Arc<str>]) -> Result<(), Violation> {
        let is_windows = self.facts.init == Init::Scm;
        for wish in self.wishes.clone() {
            if hopeless.contains(&wish.service) {
                continue;
            }
            let Some(truth) = self.model.truth(&wish.service, self.now) else { continue };
            if let Some(unmet) = wish.unmet(&truth) {
                return Err(self.violation(unmet));
            }
            let due = wish.is_notified && wish.on_notify != OnNotify::Nothing && wish.state != Goal::Stopped;
            let written = self.written.get(&wish.file(is_windows)).copied().unwrap_or_default();
            if due && truth.run == Run::Up && truth.taken_in < written {
                let what = format!("{} has not taken in what was written at {written}: {truth:?}", wish.service);
                return Err(self.violation(what));
            }
        }
        Ok(())
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        let Some(trace) = &mut self.trace else { return };
        if trace.len() == TRACE_MAX {
            trace.pop_front();
        }
        trace.push_back(format!("{} {}", self.now.epoch_ms(), line()));
    }

    pub(super) fn violation(&self, what: String) -> Violation {
        Violation { seed: self.seed, at: self.now, what, trace: self.trace.iter().flatten().cloned().collect() }
    }
}
