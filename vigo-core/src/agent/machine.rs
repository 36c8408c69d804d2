//! The agent: what a driver calls. What it says to a server is in `talk.rs`, its runs are in `life.rs`.

use super::accept::Accepted;
use super::backoff::Backoff;
use super::event::Event;
use super::hold::Hold;
use super::life::{PATIENCE, Run};
use super::orders::Orders;
use super::policy::{Held, PolicyError};
use super::queue::Queue;
use super::secrets::Secrets;
use super::step::{Counters, Options, OrderState, Record, Step, Stored, Until};
use super::talk::{Shows, Talk, Traits};
use super::validity::{Validity, name_in, validity};
use crate::bundle::{Assignment, KeySet, Maintenance, Signed, VerifyingKey};
use crate::id::EnvoyId;
use crate::time::{Duration, Timestamp};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The life of an agent.
///
/// 1. Build it with [`Agent::new`] from what is stored.
/// 2. Call [`Agent::poll`], do what the [`Step`] says, and poll again, until it says [`Step::Wait`]. [`Step::Store`] and
///    [`Step::Load`] are answered before anything else is polled; [`Step::Run`], [`Step::Collect`], [`Step::Ask`]
///    and [`Step::Await`] whenever they are done, one of each at a time. A run that needs secrets asks by
///    [`Agent::want_secrets`], once, and waits for [`Step::Secrets`].
/// 3. After each answer, at the time of [`Step::Wait`], and after [`Agent::check_in_now`] or [`Agent::stop`], poll again.
///
/// `now` is the machine's clock. It may jump: what is due is then due at once, or as much later as it was before.
///
/// It ends with [`Step::Finished`] after [`Agent::stop`] (or where [`Options::until`] says so), and never otherwise.
pub struct Agent {
    pub(super) id: EnvoyId,
    pub(super) identity: VerifyingKey,
    pub(super) root: VerifyingKey,
    pub(super) options: Options,
    pub(super) keyset: KeySet,
    pub(super) keyset_signed: Signed,
    pub(super) validity: Option<Validity>,
    /// The highest serial that was believed, and the assignment that had it.
    pub(super) floor: u64,
    pub(super) highest: Option<Signed>,
    pub(super) held: Option<Held>,
    pub(super) queue: Queue,
    /// The newest report that was taken.
    pub(super) taken: Option<u64>,
    pub(super) orders: Orders,
    pub(super) counters: Counters,
    /// The counters as they are on disk.
    pub(super) durable: Counters,
    pub(super) backoff: Backoff,
    /// The newest `now`.
    pub(super) clock: Timestamp,
    pub(super) check_in_due: Timestamp,
    pub(super) run_due: Timestamp,
    pub(super) renew_due: Timestamp,
    /// Nothing is asked before.
    pub(super) retry_at: Option<Timestamp>,
    /// Nothing is stored before.
    store_due: Option<Timestamp>,
    pub(super) talk: Talk,
    /// Whether the connection is kept when there is nothing to say.
    pub(super) hold: Hold,
    /// The server is not asked to call before.
    pub(super) await_due: Timestamp,
    pub(super) traits: Traits,
    pub(super) run: Run,
    pub(super) secrets: Secrets,
    /// A run is wanted before it is due.
    pub(super) run_asked: bool,
    /// Somebody's certificate was not believed: the other side is asked for its key set.
    pub(super) is_stranger: bool,
    /// The server answers nothing but a renewal.
    pub(super) must_renew: bool,
    /// Until when a server's word is not enough to renew once more.
    pub(super) renewed_until: Option<Timestamp>,
    /// Until when a server that does not know the envoy is not shown its key before the back-off is over.
    pub(super) unknown_until: Option<Timestamp>,
    /// Somebody's certificate was not believed, and no newer key set came of it.
    pub(super) was_stranger: bool,
    /// It is to enrol anew.
    pub(super) enrols: bool,
    /// Until when it does not ask for that again.
    pub(super) enrol_until: Option<Timestamp>,
    /// The name that it was given, as far as no policy says it.
    pub(super) name: String,
    /// Check-ins since it began.
    pub(super) turn: u64,
    /// What was told of maintenance.
    pub(super) maintenance_told: Maintenance,
    /// It was told that the policy is too old to be applied.
    pub(super) outdated_told: bool,
    /// What the next check-in shows.
    pub(super) shows: Shows,
    /// A check-in was tried, a run was made, the last question was answered: for [`Until`].
    pub(super) tried: bool,
    pub(super) ran: bool,
    pub(super) in_touch: bool,
    pub(super) dirty: Vec<Record>,
    pub(super) accepted: Accepted,
    pub(super) counters_changed: bool,
    batch: Option<Arc<[Record]>>,
    pub(super) stopping: bool,
    pub(super) events: Vec<Event>,
}

/// Until what could not be stored is tried again.
const STORE_RETRY: Duration = Duration::from_secs(30);

/// Reports in memory that cannot be stored: a full disk must not fill the memory.
const UNSTORED_MAX: usize = 8;

/// Why there is no agent.
pub type AgentError = crate::bundle::KeySetError;

impl Agent {
    /// Returns an agent that begins with a check-in and a run.
    ///
    /// # Errors
    /// When the stored key set is not the root's. Whatever else is stored and of no use is passed over, and told.
    pub fn new(stored: Stored, options: Options, now: Timestamp) -> Result<Self, AgentError> {
        let keyset = KeySet::verify(&stored.keyset, &stored.root)?;
        let id = EnvoyId::of(&stored.identity);
        let mut events = Vec::new();
        let held = match stored.policy.map(|policy| policy.verified(&stored.root, id)) {
            Some(Ok(verified)) => Some(verified.held),
            Some(Err(why)) => {
                events.push(Event::Unusable(alloc::format!("{why}")));
                None
            }
            None => None,
        };
        let of_policy = held.as_ref().map(|held| (held.assignment.serial, held.signed.clone()));
        let beside = stored.highest.and_then(|signed| Some((Assignment::serial_of(&signed)?, signed)));
        let highest = of_policy.into_iter().chain(beside).max_by_key(|(serial, _)| *serial);
        let (floor, highest) = highest.map_or((0, None), |(serial, signed)| (serial, Some(signed)));
        let validity = validity(&stored.certificate);
        let name = highest.as_ref().and_then(Assignment::hostname_of).or_else(|| name_in(&stored.certificate));
        let name = name.unwrap_or_default();
        let (orders, dirty) = Orders::load(stored.orders);
        Ok(Self {
            id,
            identity: stored.identity,
            root: stored.root,
            backoff: Backoff::new(options.seed),
            options,
            keyset,
            keyset_signed: stored.keyset,
            validity,
            floor,
            highest,
            held,
            queue: Queue::new(stored.reports),
            taken: stored.taken,
            orders,
            counters: stored.counters,
            durable: stored.counters,
            clock: now,
            check_in_due: now,
            run_due: now,
            renew_due: validity.map_or(now, |v| v.renewal()),
            retry_at: None,
            store_due: None,
            talk: Talk::Idle,
            hold: Hold::No,
            await_due: now,
            traits: Traits::default(),
            run: Run::Idle,
            secrets: Secrets::default(),
            run_asked: false,
            is_stranger: false,
            must_renew: false,
            renewed_until: None,
            unknown_until: None,
            was_stranger: false,
            enrols: false,
            enrol_until: None,
            name,
            turn: 0,
            maintenance_told: Maintenance::No,
            outdated_told: false,
            shows: Shows::default(),
            tried: false,
            ran: false,
            in_touch: false,
            dirty,
            accepted: Accepted::default(),
            counters_changed: false,
            batch: None,
            stopping: false,
            events,
        })
    }

    /// Returns what to do next.
    pub fn poll(&mut self, now: Timestamp) -> Step {
        self.tick(now);
        self.watch_rest();
        if self.batch.is_some() {
            return Step::Wait(None);
        }
        if let Some(batch) = self.next_batch(now) {
            self.batch = Some(batch.clone());
            return Step::Store(batch);
        }
        if let Some(step) = self.secrets_step(now) {
            return step;
        }
        if !self.stopping {
            let step = self.talk_step(now).or_else(|| self.run_step(now)).or_else(|| self.collect_step(now));
            if let Some(step) = step {
                return step;
            }
            if !self.is_through() {
                return Step::Wait(self.next_time(now));
            }
            self.stopping = true;
        }
        if matches!(self.run, Run::Going(_)) {
            return Step::Wait(None);
        }
        match core::mem::replace(&mut self.talk, Talk::Idle) {
            Talk::Idle => Step::Finished,
            Talk::Connected | Talk::Stale | Talk::Asked { .. } => Step::Disconnect,
        }
    }

    /// Takes that the records of the last [`Step::Store`] are durable.
    pub fn handle_stored(&mut self, now: Timestamp) {
        self.tick(now);
        self.store_due = None;
        let batch = self.batch.take();
        for record in batch.iter().flat_map(|batch| batch.iter()) {
            match record {
                Record::Report { seq, bytes } => {
                    let dropped = self.queue.push(*seq, bytes.len() as u64);
                    self.lost(dropped);
                }
                Record::Counters(counters) => self.durable = *counters,
                Record::Order { id, state, .. } => self.orders.stored(*id, state),
                _ => {}
            }
        }
        let Accepted { keyset, policy, validity } = core::mem::take(&mut self.accepted);
        if let Some((keyset, signed)) = keyset {
            self.events.push(Event::KeySetTaken(keyset.version));
            // The authority of a certificate that was renewed a moment ago may be retired in it.
            self.renewed_until = None;
            (self.keyset, self.keyset_signed) = (keyset, signed);
        }
        if let Some(validity) = validity {
            self.events.push(Event::Renewed);
            self.validity = Some(validity);
            self.renew_due = self.renew_due.max(validity.renewal());
        }
        if let Some(held) = policy {
            // None of a lower serial gets here.
            (self.floor, self.highest) = (held.assignment.serial, Some(held.signed.clone()));
            let is_other = self.held.as_ref().is_none_or(|old| old.digest != held.digest);
            if is_other {
                self.events.push(Event::PolicyTaken(held.assignment.serial));
                self.run_asked = true;
            }
            self.held = Some(held);
        }
        self.settle_orders();
    }

    /// Takes that the records of the last [`Step::Store`] could not be made durable. What the server sent with them is
    /// not taken over: it sends it again. Reports are kept, and stored when that is possible.
    pub fn handle_store_failed(&mut self, why: &str, now: Timestamp) {
        self.tick(now);
        self.store_due = Some(now + STORE_RETRY);
        self.accepted = Accepted::default();
        self.orders.forget_new();
        self.events.push(Event::NotStored(why.into()));
        let is_kept = |r: &&Record| match r {
            Record::Report { .. } | Record::Forget { .. } | Record::Taken(_) | Record::ForgetOrders(_) => true,
            Record::Order { state, .. } => *state != OrderState::Begun,
            _ => false,
        };
        let batch = self.batch.take();
        let failed: Vec<Record> = batch.iter().flat_map(|batch| batch.iter()).filter(is_kept).cloned().collect();
        self.dirty.splice(0..0, failed);
        self.counters_changed = true;
        let is_report = |r: &Record| matches!(r, Record::Report { .. });
        let mut surplus = self.dirty.iter().filter(|r| is_report(r)).count().saturating_sub(UNSTORED_MAX);
        if surplus > 0 {
            self.events.push(Event::ReportsLost(surplus));
            self.counters.lost_reports = self.counters.lost_reports.saturating_add(surplus as u64);
        }
        self.dirty.retain(|r| {
            let goes = surplus > 0 && is_report(r);
            surplus -= usize::from(goes);
            !goes
        });
    }

    /// Checks in at once, whatever was waited for.
    pub fn check_in_now(&mut self) {
        self.check_in_due = self.clock;
        self.retry_at = None;
    }

    /// Begins to end: the run in hand is reported (a driver may cancel it), what is to be stored is stored.
    pub fn stop(&mut self) {
        self.stopping = true;
        self.store_due = None;
    }

    /// Returns whether a server did what it was last asked.
    pub fn is_in_touch(&self) -> bool {
        self.in_touch
    }

    /// Returns the newest time that a server told, as far as is known.
    pub fn server_time(&self) -> Timestamp {
        self.held.as_ref().map_or(Timestamp::default(), |held| held.assignment.issued_at)
    }

    /// Returns how many reports wait for a server.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Returns what happened since the last call, oldest first.
    pub fn take_events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }

    /// Takes the time. Where the clock went back, all that is waited for goes back with it.
    pub(super) fn tick(&mut self, now: Timestamp) {
        let back = self.clock.since(now);
        self.clock = now;
        if back > Duration::ZERO {
            let dues = [&mut self.check_in_due, &mut self.run_due, &mut self.traits.due, &mut self.await_due];
            dues.into_iter().for_each(|due| *due = *due - back);
            let Self { retry_at, store_due, renewed_until, unknown_until, enrol_until, .. } = self;
            let bounds = [retry_at, store_due, renewed_until, unknown_until, enrol_until];
            bounds.into_iter().flatten().for_each(|due| *due = *due - back);
            if let Talk::Asked { since, .. } = &mut self.talk {
                *since = *since - back;
            }
        }
    }

    /// Takes that reports are dropped which nobody has taken.
    pub(super) fn lost(&mut self, seqs: Vec<u64>) {
        if !seqs.is_empty() {
            self.events.push(Event::ReportsLost(seqs.len()));
            self.counters.lost_reports = self.counters.lost_reports.saturating_add(seqs.len() as u64);
            self.counters_changed = true;
            self.dirty.push(Record::Forget { seqs });
        }
    }

    pub(super) fn not_believed(&mut self, why: PolicyError) {
        self.events.push(Event::NotBelieved(why));
    }

    /// Returns the records that wait, if they may be stored now.
    fn next_batch(&mut self, now: Timestamp) -> Option<Arc<[Record]>> {
        if self.dirty.is_empty() && !self.counters_changed || self.store_due.is_some_and(|due| due > now) {
            return None;
        }
        let mut records = core::mem::take(&mut self.dirty);
        if core::mem::take(&mut self.counters_changed) {
            records.push(Record::Counters(self.counters));
        }
        Some(records.into())
    }

    /// Returns when there is something to do without an answer.
    fn next_time(&self, now: Timestamp) -> Option<Timestamp> {
        let unstored = !self.dirty.is_empty() || self.counters_changed;
        let store = unstored.then_some(self.store_due.unwrap_or(now));
        let patience = self.talk.asked_since().filter(|_| self.secrets.is_wanted()).map(|since| since + PATIENCE);
        [store, patience, self.talk_time(now), self.run_time(), self.collect_time()].into_iter().flatten().min()
    }

    /// Returns whether everything was done that was asked for.
    fn is_through(&self) -> bool {
        let is_idle = self.run.is_idle() && !self.talk.is_asked();
        match self.options.until {
            Until::Stopped => false,
            Until::CheckedIn => self.tried && is_idle,
            Until::Converged => {
                let is_sent = !self.in_touch
                    || (self.queue.len() == 0 && !self.traits.is_open() && self.orders.unsent().is_none());
                self.tried && is_idle && (self.ran || !self.is_runnable()) && is_sent
            }
        }
    }
}
