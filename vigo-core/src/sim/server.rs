//! The server: what it decides is this crate's, its disk and its writer are simulated.

use super::fault::Faults;
use super::link::Link;
use super::policy::Publish;
use super::restored::Beside;
use crate::agent::traits_digest;
use crate::bundle::{Ca, KeySet, KeyState, Maintenance, Order, OrderId, Signed, SigningKey, TrustedKey, VerifyingKey};
use crate::fleet::{ClassOf, Cloned, Envoy, FleetIndex, LastRun, Life, Past};
use crate::id::EnvoyId;
use crate::server::{
    Admission, Adoption, Budget, Caller, CheckInLoad, CheckInSettings, Claim, HoldSettings, ServedKeySet, ServedPolicy,
    Signer, TokenRecord, TokenText, Trusted, Waiting, answer, authorise, hold_for, offer,
};
use crate::time::{Duration, Timestamp};
use crate::wire::message::{
    Answer, Awaited, CheckIn, GetKeySet, KeySetAnswer, OrderResult, OrderTaken, Refused, RenewCertificate, Renewed,
    Report, ReportTaken, ResolveSecrets, SealedSecrets, TraitsDelta, TraitsTaken,
};
use crate::wire::{Channel, Envelope, Kind, Message, Reply};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::num::NonZeroU32;

/// What the server's disk holds of an envoy.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) key: VerifyingKey,
    pub(super) hostname: String,
    pub(super) revoked: bool,
    pub(super) contact: u64,
    pub(super) last_run: Option<LastRun>,
    pub(super) maintenance: Maintenance,
    /// It seems to run twice.
    pub(super) cloned: Option<Cloned>,
    pub(super) traits: BTreeMap<String, String>,
    /// The highest number that was taken of each incarnation.
    pub(super) taken: BTreeMap<u64, u64>,
}

/// A token, and how many envoys came of it.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) text: TokenText,
    pub(super) record: TokenRecord,
    pub(super) uses: u32,
}

/// The server's disk.
#[derive(Clone, Default)]
pub(super) struct Disk {
    pub(super) envoys: BTreeMap<EnvoyId, Row>,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) reports: BTreeSet<(EnvoyId, u64, u64)>,
    /// Orders that are not answered for.
    pub(super) orders: BTreeMap<OrderId, Order>,
    /// Index of what is published.
    pub(super) live: Option<usize>,
    /// The newest time on it.
    pub(super) newest: Timestamp,
    /// The hashes of its audit.
    pub(super) audit: Vec<[u8; 32]>,
}

/// What is lost in a crash.
struct Memory {
    fleet: FleetIndex,
    signer: Signer,
    load: CheckInLoad,
    /// What the next commit holds.
    queue: Vec<Write>,
    /// What is laid down now and then.
    dirty: BTreeMap<EnvoyId, u64>,
    /// Who waits to be called, over which connection, and until when.
    held: BTreeMap<EnvoyId, (Question, Timestamp)>,
}

/// A question, and over which connection it came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) link: u64,
    pub(super) number: u64,
}

/// What is to be made durable, and who waits for it.
pub(super) struct Write {
    pub(super) question: Question,
    pub(super) what: What,
}

pub(super) enum What {
    Enrol(Box<Claim>, Admission),
    Report(EnvoyId, Report),
    Traits(EnvoyId, TraitsDelta),
    Order(EnvoyId, OrderResult),
}

/// What becomes of a request at once.
pub(super) enum Taken {
    Reply(Vec<u8>),
    /// It is answered after the commit.
    Queued,
    /// It is answered when there is something, or then.
    Held(Timestamp),
}

pub(super) struct Server {
    pub(super) root: VerifyingKey,
    /// The recovery kit, apart from all else.
    pub(super) kit: SigningKey,
    /// Counts the authorities.
    pub(super) authority: u8,
    /// Which of them made a certificate.
    pub(super) issued: BTreeMap<Vec<u8>, u8>,
    /// Names that need no token.
    pub(super) trusted: Vec<Trusted>,
    /// Who waits to be let in.
    pub(super) waiting: Waiting,
    pub(super) key: SigningKey,
    pub(super) set: KeySet,
    pub(super) keyset: Signed,
    pub(super) disk: Disk,
    pub(super) beside: Beside,
    /// Nothing fails any more, and nobody is left alone.
    pub(super) is_calm: bool,
    pub(super) publishes: Vec<Publish>,
    /// Counts its starts.
    pub(super) boot: u64,
    /// How far its clock is ahead, milliseconds.
    pub(super) skew_ms: i64,
    memory: Option<Memory>,
    settings: CheckInSettings,
    budget: Budget,
}

/// How long an order is offered.
const OFFERED: Duration = Duration::from_secs(3600);

/// The version of the key set.
const KEYSET: u64 = 1;

/// How long a certificate holds.
const YEAR: Duration = Duration::from_secs(365 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);

impl Row {
    /// Returns the row of an envoy of which nothing is known but its key and its name.
    pub(super) fn new(key: VerifyingKey, hostname: String) -> Self {
        Self {
            key,
            hostname,
            revoked: false,
            contact: 0,
            last_run: None,
            maintenance: Maintenance::No,
            cloned: None,
            traits: BTreeMap::new(),
            taken: BTreeMap::new(),
        }
    }
}

impl Server {
    pub(super) fn new(faults: &mut Faults, machines: usize, interval: Duration, holds: bool) -> Self {
        // Each comes every ten seconds at the most: storms put them off.
        let machines = u32::try_from(machines).unwrap_or(u32::MAX);
        let tenth = NonZeroU32::new(machines / 10).unwrap_or(NonZeroU32::MIN);
        let budget = Budget { per_second: tenth, burst: tenth };
        let below = if holds { interval } else { Duration::ZERO };
        let (root, key) = (SigningKey::from_bytes(&faults.bytes()), SigningKey::from_bytes(&faults.bytes()));
        let set = KeySet {
            version: KEYSET,
            root: root.verifying_key(),
            bundle_keys: vec![TrustedKey { key: key.verifying_key(), state: KeyState::Active }],
            cas: vec![Ca { certificate: vec![1], state: KeyState::Active }],
        };
        Self {
            root: root.verifying_key(),
            keyset: set.sign(&root),
            kit: root,
            authority: 1,
            issued: BTreeMap::new(),
            trusted: Vec::new(),
            waiting: Waiting::default(),
            set,
            key,
            disk: Disk::default(),
            beside: Beside::default(),
            is_calm: false,
            publishes: Vec::new(),
            boot: 0,
            skew_ms: 0,
            memory: None,
            budget,
            settings: CheckInSettings {
                interval,
                splay: Duration::from_ms(interval.as_ms() / 10),
                observe_only: false,
                bundle_max_age: Duration::ZERO,
                soon: Duration::from_secs(5),
                hold: HoldSettings { idle: Duration::from_secs(30), below, max: usize::MAX },
                servers: ["192.0.2.1:1530".into()].into(),
            },
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.memory.is_some()
    }

    /// Returns its clock.
    pub(super) fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_epoch_ms(now.epoch_ms().saturating_add(self.skew_ms))
    }

    /// Starts, from what its disk holds.
    pub(super) fn start(&mut self, now: Timestamp) {
        let (now, newest) = (self.clock(now), self.disk.newest);
        self.look_back(now);
        let mut fleet = FleetIndex::default();
        for (id, row) in &self.disk.envoys {
            let mut envoy = Envoy::new(*id, row.key, row.hostname.as_str().into());
            envoy.revoked = row.revoked;
            envoy.contact = row.contact;
            envoy.contact_is_old = true;
            envoy.last_run = row.last_run;
            envoy.maintenance = row.maintenance;
            envoy.cloned = row.cloned;
            envoy.class = self.class_of(&row.hostname);
            if !row.traits.is_empty() {
                envoy.traits_digest = digest_of(&row.traits);
            }
            envoy.orders = self.disk.orders.values().filter(|order| order.envoy_id == *id).cloned().collect();
            // No two rows have one name that are not revoked.
            let _ = fleet.insert(envoy);
        }
        let last_serial = u64::try_from(newest.epoch_ms()).unwrap_or(0);
        let signer = Signer::new(self.key.clone(), last_serial).started(now);
        self.boot = self.boot.saturating_add(1);
        self.waiting = Waiting::default();
        self.memory = Some(Memory {
            fleet,
            signer,
            load: CheckInLoad::default(),
            queue: Vec::new(),
            dirty: BTreeMap::new(),
            held: BTreeMap::new(),
        });
    }

    /// Crashes: what was to be committed is, or is not; nobody is told.
    pub(super) fn crash(&mut self, is_committed: bool, now: Timestamp) {
        if is_committed {
            self.commit(now);
        }
        self.memory = None;
    }

    /// Puts a publish on the disk and serves it.
    pub(super) fn publish(&mut self, publish: Publish, now: Timestamp) {
        self.publishes.push(publish);
        self.disk.live = self.publishes.len().checked_sub(1);
        self.disk.newest = self.disk.newest.max(self.clock(now));
        if let Some(memory) = &mut self.memory {
            let live = self.disk.live.and_then(|live| self.publishes.get(live));
            // Everybody who is held is called, whether it is another policy for it or not.
            memory.fleet.classify(|name| live.map_or(ClassOf::Pending, |p| p.class_of(name)), |_, _| false);
        }
    }

    /// Throws an envoy out.
    pub(super) fn revoke(&mut self, id: EnvoyId) {
        if let (Some(row), Some(memory)) = (self.disk.envoys.get_mut(&id), &mut self.memory) {
            row.revoked = true;
            memory.fleet.revoke(id);
            self.beside.revoked.insert(id);
            self.audit();
        }
    }

    /// Returns what is published.
    pub(super) fn live(&self) -> Option<&Publish> {
        self.publishes.get(self.disk.live?)
    }

    pub(super) fn fleet(&self) -> Option<&FleetIndex> {
        self.memory.as_ref().map(|memory| &memory.fleet)
    }

    pub(super) fn fleet_mut(&mut self) -> Option<&mut FleetIndex> {
        self.memory.as_mut().map(|memory| &mut memory.fleet)
    }

    /// Answers a request, or queues what has to be durable before.
    pub(super) fn take(&mut self, question: Question, link: &mut Link, bytes: &[u8], now: Timestamp) -> Taken {
        let now = self.clock(now);
        let envelope = match Envelope::decode(link.channel, bytes) {
            Ok(envelope) => envelope,
            Err(error) => return refuse::<Answer>(Refused::INVALID, &alloc::format!("{error}")),
        };
        match (link.channel, envelope.kind) {
            (Channel::Enrol, Kind::Enrol) => return self.enrol(question, link, &envelope, now),
            (Channel::Enrol, _) => {
                return match envelope.message::<GetKeySet>() {
                    Ok(_) => done(KeySetAnswer { keyset: self.keyset.encode() }),
                    Err(error) => refuse::<KeySetAnswer>(Refused::INVALID, &alloc::format!("{error}")),
                };
            }
            (Channel::Request, _) => {}
        }
        let Some((id, not_after)) = link.certificate else {
            return refuse::<Answer>(Refused::INVALID, "no certificate");
        };
        let Some(memory) = &mut self.memory else { return refuse::<Answer>(Refused::BUSY, "it is down") };
        let caller = Caller { id, not_after, is_trusted: link.is_trusted };
        let authorised = authorise(&envelope, &caller, &link.exporter, &mut link.replays, &memory.fleet, now);
        let authorised = match authorised {
            Err(Refused { code, .. }) if code == Refused::UNKNOWN && envelope.kind == Kind::CheckIn => {
                self.adopt(link, &envelope, now)
            }
            known => known,
        };
        if let Err(refused) = authorised {
            return Taken::Reply(refusal(envelope.kind, refused));
        }
        let invalid = |error| {
            refusal(envelope.kind, Refused { code: Refused::INVALID.into(), message: alloc::format!("{error}") })
        };
        let what = match envelope.kind {
            Kind::CheckIn => {
                return match envelope.message::<CheckIn>() {
                    Ok(check_in) => self.check_in(id, &check_in, now),
                    Err(error) => Taken::Reply(invalid(error)),
                };
            }
            Kind::RenewCertificate => {
                let hostname = self.disk.envoys.get(&id).map(|row| row.hostname.clone()).unwrap_or_default();
                return done(Renewed { certificate: self.certify(id, &hostname, now) });
            }
            Kind::Report => envelope.message::<Report>().map(|report| What::Report(id, report)),
            Kind::TraitsDelta => envelope.message::<TraitsDelta>().map(|delta| What::Traits(id, delta)),
            Kind::OrderResult => envelope.message::<OrderResult>().map(|result| What::Order(id, result)),
            Kind::Await => return self.hold(question, id, now),
            Kind::ResolveSecrets => {
                return match envelope.message::<ResolveSecrets>() {
                    Ok(asked) => self.secrets(id, asked, &envelope.body, &link.exporter),
                    Err(error) => Taken::Reply(invalid(error)),
                };
            }
            kind => {
                let refused = Refused { code: Refused::INVALID.into(), message: "not here".into() };
                return Taken::Reply(refusal(kind, refused));
            }
        };
        match what {
            Ok(what) => self.queue(Write { question, what }),
            Err(error) => Taken::Reply(invalid(error)),
        }
    }

    pub(super) fn queue(&mut self, write: Write) -> Taken {
        if let Some(memory) = &mut self.memory {
            memory.queue.push(write);
        }
        Taken::Queued
    }

    fn check_in(&mut self, id: EnvoyId, check_in: &CheckIn, now: Timestamp) -> Taken {
        let none = ServedPolicy::default();
        let policy = self.disk.live.and_then(|live| self.publishes.get(live)).map_or(&none, |p| &p.policy);
        let Some(memory) = &mut self.memory else { return refuse::<Answer>(Refused::BUSY, "it is down") };
        let Some(envoy) = memory.fleet.get_mut(id) else { return refuse::<Answer>(Refused::UNKNOWN, "not known") };
        let keyset = ServedKeySet { set: &self.set, known: self.set.version, signed: &self.keyset };
        let from = IpAddr::from([192, 0, 2, 1]);
        if let (Some(cloned), Some(row)) = (envoy.hear(Life::of(check_in, from), now), self.disk.envoys.get_mut(&id)) {
            row.cloned = Some(cloned);
        }
        let mut said = answer(check_in, envoy, policy, &self.settings, keyset, &mut memory.signer, now);
        memory.load.answered(check_in, &mut said.answer, envoy, self.budget, now);
        memory.dirty.insert(id, envoy.contact);
        let mut orders = Vec::new();
        if !said.answer.show_assignment && said.remembered.is_none() {
            orders = offer(envoy, &memory.signer, now);
            let is_void = |order: &Order| order.issued_at <= self.beside.void_until;
            self.beside.is_stale |= envoy.orders.iter().any(is_void);
        }
        let held = memory.held.len();
        let hold = hold_for(envoy, policy, &self.settings, held, now).is_some();
        if let Some(seen) = &said.remembered {
            self.remembered(id, seen);
        }
        done(Answer { hold, orders, ..said.answer })
    }

    /// Answers whoever wants to be called, or lets it wait.
    fn hold(&mut self, question: Question, id: EnvoyId, now: Timestamp) -> Taken {
        let none = ServedPolicy::default();
        let policy = self.disk.live.and_then(|live| self.publishes.get(live)).map_or(&none, |p| &p.policy);
        let Some(memory) = &mut self.memory else { return refuse::<Awaited>(Refused::BUSY, "it is down") };
        let Some(envoy) = memory.fleet.get_mut(id) else { return refuse::<Awaited>(Refused::UNKNOWN, "not known") };
        if envoy.called {
            return done(Awaited { check_in: true, hold: true, come_back_in_ms: 0 });
        }
        match hold_for(envoy, policy, &self.settings, memory.held.len(), now) {
            Some(span) => {
                memory.held.insert(id, (question, now + span));
                Taken::Held(now + span)
            }
            None => done(Awaited::default()),
        }
    }

    /// Returns the answers to those who waited long enough, or for whom there is something.
    pub(super) fn call(&mut self, now: Timestamp) -> Vec<(Question, Vec<u8>, bool)> {
        let now = self.clock(now);
        let Some(Memory { fleet, held, .. }) = &mut self.memory else { return Vec::new() };
        let mut answers = Vec::new();
        held.retain(|id, (question, until)| {
            let check_in = fleet.get(*id).is_some_and(|envoy| envoy.called);
            let goes = check_in || *until <= now;
            if goes {
                let answer = Reply::Done(Awaited { check_in, hold: true, come_back_in_ms: 0 }).encode();
                answers.push((*question, answer, check_in));
            }
            !goes
        });
        answers
    }

    /// Lays the counters down.
    pub(super) fn flush(&mut self, now: Timestamp) {
        let now = self.clock(now);
        let Some(memory) = &mut self.memory else { return };
        for (id, contact) in core::mem::take(&mut memory.dirty) {
            if let Some(row) = self.disk.envoys.get_mut(&id) {
                row.contact = contact;
                row.last_run = memory.fleet.get(id).and_then(|envoy| envoy.last_run);
            }
        }
        self.disk.newest = self.disk.newest.max(now);
        self.stamp();
    }

    /// Commits what is queued, and returns the answers.
    pub(super) fn commit(&mut self, now: Timestamp) -> Vec<(Question, Vec<u8>)> {
        let queue = self.memory.as_mut().map(|memory| core::mem::take(&mut memory.queue)).unwrap_or_default();
        let now = self.clock(now);
        let mut answers = Vec::new();
        for Write { question, what } in queue {
            let reply = match what {
                What::Enrol(claim, admission) => self.enrolled(&claim, &admission, now),
                What::Report(id, report) => self.report(id, &report),
                What::Traits(id, delta) => self.traits(id, delta),
                What::Order(id, result) => self.order_answered(id, result, now),
            };
            answers.push((question, reply));
        }
        self.disk.newest = self.disk.newest.max(now);
        answers
    }

    /// Takes an envoy into memory, after the commit.
    pub(super) fn remember(&mut self, claim: &Claim, now: Timestamp) {
        let Claim { id, key, hostname, .. } = claim;
        self.take_up(&Adoption { id: *id, key: *key, hostname: hostname.clone() }, now);
    }

    pub(super) fn take_up(&mut self, new: &Adoption, now: Timestamp) {
        let class = self.class_of(&new.hostname);
        let Some(memory) = self.memory.as_mut().filter(|memory| memory.fleet.get(new.id).is_none()) else { return };
        let mut envoy = Envoy::new(new.id, new.key, new.hostname.as_str().into());
        (envoy.class, envoy.last_seen, envoy.contact_is_old) = (class, now, true);
        // The commit has found the name free.
        let _ = memory.fleet.insert(envoy);
    }

    fn report(&mut self, id: EnvoyId, report: &Report) -> Vec<u8> {
        let Some(row) = self.disk.envoys.get_mut(&id).filter(|row| !row.revoked) else {
            return refused::<ReportTaken>(Refused::UNKNOWN, "not known");
        };
        let highest = row.taken.entry(report.incarnation).or_default();
        if report.seq > *highest {
            *highest = report.seq;
            self.disk.reports.insert((id, report.incarnation, report.seq));
            if let Some(envoy) = self.memory.as_mut().and_then(|memory| memory.fleet.get_mut(id)) {
                envoy.take_report(report);
                row.last_run = envoy.last_run;
            }
        }
        Reply::Done(ReportTaken { incarnation: report.incarnation, seq: *highest }).encode()
    }

    /// Has an envoy leave its machine alone, or not.
    pub(super) fn rest(&mut self, id: EnvoyId, maintenance: Maintenance) {
        let (Some(row), Some(memory)) = (self.disk.envoys.get_mut(&id), &mut self.memory) else { return };
        row.maintenance = maintenance;
        if let Some(envoy) = memory.fleet.get_mut(id) {
            envoy.maintenance = maintenance;
            // What it remembers of before is older than that.
            envoy.past = Past::Shown;
            envoy.called = true;
        }
    }

    /// Has an envoy leave its machine alone no more, unless that ends soon by itself.
    pub(super) fn wake(&mut self, id: EnvoyId) {
        self.rest(id, Maintenance::No);
    }

    /// Orders an envoy to converge.
    pub(super) fn order(&mut self, envoy_id: EnvoyId, id: OrderId, now: Timestamp) {
        // Later than all that is known.
        let now = self.clock(now).max(self.disk.newest + Duration::from_ms(1));
        let Some(memory) = &mut self.memory else { return };
        let Some(envoy) = memory.fleet.get_mut(envoy_id).filter(|envoy| !envoy.revoked) else { return };
        let (kind, not_after) = (Order::CONVERGE.into(), now + OFFERED);
        let order = Order { id, envoy_id, kind, body: Vec::new(), issued_at: now, not_after };
        self.disk.orders.insert(id, order.clone());
        self.disk.newest = now;
        envoy.orders.push(order);
        envoy.called = true;
        self.audit();
    }

    fn order_answered(&mut self, id: EnvoyId, result: OrderResult, now: Timestamp) -> Vec<u8> {
        self.disk.orders.retain(|_, order| order.id.0 != *result.id || order.envoy_id != id);
        if let Some(envoy) = self.memory.as_mut().and_then(|memory| memory.fleet.get_mut(id)) {
            envoy.orders.retain(|order| order.id.0 != *result.id);
            envoy.busy_at = now;
        }
        Reply::Done(OrderTaken { id: result.id }).encode()
    }

    /// Returns how many orders of an envoy are offered and not answered for. One that was too late by a clock that was
    /// ahead is not offered any more.
    pub(super) fn open_orders(&self, id: EnvoyId, now: Timestamp) -> usize {
        let (now, envoy) = (self.clock(now), self.fleet().and_then(|fleet| fleet.get(id)));
        envoy.map_or(0, |envoy| envoy.orders.iter().filter(|order| order.not_after >= now).count())
    }

    fn traits(&mut self, id: EnvoyId, delta: TraitsDelta) -> Vec<u8> {
        let Some(row) = self.disk.envoys.get_mut(&id) else {
            return refused::<TraitsTaken>(Refused::UNKNOWN, "not known");
        };
        let mut areas = BTreeMap::new();
        if !delta.base.is_empty() {
            areas = row.traits.clone();
            let digest = digest_of(&areas);
            if *delta.base != digest {
                return Reply::Done(TraitsTaken { digest: digest.to_vec() }).encode();
            }
        }
        delta.removed.iter().for_each(|path| _ = areas.remove(path));
        areas.extend(delta.set.into_iter().map(|set| (set.path, set.json)));
        let digest = digest_of(&areas);
        row.traits = areas;
        if let Some(envoy) = self.memory.as_mut().and_then(|memory| memory.fleet.get_mut(id)) {
            envoy.traits_digest = digest;
        }
        Reply::Done(TraitsTaken { digest: digest.to_vec() }).encode()
    }

    fn class_of(&self, hostname: &str) -> ClassOf {
        self.live().map_or(ClassOf::Pending, |publish| publish.class_of(hostname))
    }
}

/// Returns a new certificate.
pub(super) fn issue(now: Timestamp) -> Vec<u8> {
    super::certificate::certificate(now - DAY, now + YEAR)
}

fn digest_of(areas: &BTreeMap<String, String>) -> [u8; 32] {
    traits_digest(areas.iter().map(|(path, json)| (&**path, &**json)))
}

pub(super) fn done<M: Message>(message: M) -> Taken {
    Taken::Reply(Reply::Done(message).encode())
}

pub(super) fn refuse<M: Message>(code: &str, message: &str) -> Taken {
    Taken::Reply(refused::<M>(code, message))
}

pub(super) fn refused<M: Message>(code: &str, message: &str) -> Vec<u8> {
    Reply::<M>::Refused(Refused { code: code.into(), message: message.into() }).encode()
}

fn refusal(kind: Kind, refused: Refused) -> Vec<u8> {
    match kind {
        Kind::Report => Reply::<Report>::Refused(refused).encode(),
        Kind::TraitsDelta => Reply::<TraitsDelta>::Refused(refused).encode(),
        Kind::RenewCertificate => Reply::<RenewCertificate>::Refused(refused).encode(),
        Kind::Await => Reply::<Awaited>::Refused(refused).encode(),
        Kind::OrderResult => Reply::<OrderTaken>::Refused(refused).encode(),
        Kind::ResolveSecrets => Reply::<SealedSecrets>::Refused(refused).encode(),
        _ => Reply::<CheckIn>::Refused(refused).encode(),
    }
}
