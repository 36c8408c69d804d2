//! The machines: agents with what their drivers do.

use super::story::Violation;
use super::world::{Event, World};
use crate::agent::{Agent, Ask, Disk, Options, OrderState, Record, Response, RunOrder, RunResult, Step, Until};
use crate::bundle::{KeySet, OrderId, Signed, SigningKey};
use crate::converge::{Counts, RunOutcome, RunReport};
use crate::id::EnvoyId;
use crate::secret::{OpeningKey, SealContext};
use crate::time::{Duration, Timestamp};
use crate::traits::TraitSet;
use crate::value::Value;
use crate::wire::message::{
    Answer, Await, Awaited, Enrol, Enrolled, KeySetAnswer, OrderTaken, RenewCertificate, Renewed, Report, ReportTaken,
    TraitsTaken,
};
use crate::wire::{Channel, Envelope, Kind, Message, Reply};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A machine.
pub(super) struct Machine {
    pub(super) key: SigningKey,
    pub(super) id: EnvoyId,
    pub(super) hostname: String,
    /// The token that it was given.
    pub(super) token: String,
    /// `None` until it is an envoy.
    pub(super) disk: Option<Disk>,
    /// What goes with the disk.
    pub(super) lived: Lived,
    /// A disk to go back to.
    pub(super) snapshot: Option<(Disk, Lived)>,
    /// `None` while it is down.
    pub(super) agent: Option<Agent>,
    /// Counts its starts: what was on its way to an earlier one does not arrive.
    pub(super) boot: u64,
    /// How far its clock is ahead, milliseconds.
    pub(super) skew_ms: i64,
    pub(super) link: Option<u64>,
    /// What it waits for, over the link.
    pub(super) asked: Option<(u64, Kind)>,
    /// The question to be called.
    pub(super) awaited: Option<u64>,
    /// When it is woken.
    pub(super) wake_at: Option<Timestamp>,
    /// The network does not reach it before.
    pub(super) cut_until: Timestamp,
    pub(super) runs: u64,
    /// The run that waits for its secrets.
    pub(super) begun: Option<Begun>,
    /// What opens the answer to its question for secrets.
    pub(super) opening: Option<(OpeningKey, SealContext)>,
}

/// A run that has begun.
pub(super) struct Begun {
    pub(super) seq: u64,
    pub(super) digest: [u8; 32],
    pub(super) started: Timestamp,
    /// The secrets of its policy.
    pub(super) refs: Vec<Arc<str>>,
}

/// What has become of a disk, as far as it is watched.
#[derive(Clone, Default)]
pub(super) struct Lived {
    /// What was applied.
    pub(super) applied: Option<[u8; 32]>,
    /// The highest serial that was applied.
    pub(super) serial: u64,
    /// Reports on it, ever; and those that were dropped.
    pub(super) made: BTreeSet<(u64, u64)>,
    pub(super) dropped: BTreeSet<(u64, u64)>,
    /// Orders that were begun, by what it knows.
    pub(super) begun: BTreeSet<OrderId>,
    /// There was another disk with the same past: of two reports with one number the server keeps the first.
    pub(super) is_doubled: bool,
}

/// How long a driver waits for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Over a connection that is held nothing may come for so long.
const HELD_PATIENCE: Duration = Duration::from_secs(60);

/// A driver looks at the clock after this at the latest.
const SLEEP_MAX: Duration = Duration::from_secs(60);

impl Machine {
    pub(super) fn new(key: SigningKey, hostname: String, token: String) -> Self {
        Self {
            id: EnvoyId::of(&key.verifying_key()),
            key,
            hostname,
            token,
            disk: None,
            lived: Lived::default(),
            snapshot: None,
            agent: None,
            boot: 0,
            skew_ms: 0,
            link: None,
            asked: None,
            awaited: None,
            wake_at: None,
            cut_until: Timestamp::default(),
            runs: 0,
            begun: None,
            opening: None,
        }
    }

    pub(super) fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_epoch_ms(now.epoch_ms().saturating_add(self.skew_ms))
    }
}

impl World {
    /// Lets a machine do what there is to do, until it waits.
    pub(super) fn drive(&mut self, at: usize) -> Result<(), Violation> {
        loop {
            if self.machines[at].agent.is_some() && self.faults.strikes(20) {
                self.crash(at);
                return Ok(());
            }
            let machine = &mut self.machines[at];
            let now = machine.clock(self.now);
            let Some(agent) = &mut machine.agent else {
                if machine.disk.is_none() && machine.asked.is_none() {
                    self.ask_to_enrol(at);
                }
                return Ok(());
            };
            let step = agent.poll(now);
            for event in agent.take_events() {
                self.note(|| format!("{at}: {event}"));
            }
            match step {
                Step::Store(records) => self.store(at, &records)?,
                Step::Load => {
                    let machine = &mut self.machines[at];
                    let policy = machine.disk.as_ref().and_then(|disk| disk.policy.clone());
                    if let Some(agent) = &mut machine.agent {
                        agent.handle_policy(policy.ok_or_else(|| "it is gone".into()), now);
                    }
                }
                Step::Run(order) => self.begin_run(at, order)?,
                Step::Collect(_) => {
                    let boot = self.machines[at].boot;
                    let due = self.now + Duration::from_ms(self.faults.below(3000));
                    self.at(due, Event::Collected { machine: at, boot });
                }
                Step::Ask(ask) => self.ask(at, ask),
                Step::Secrets(answers) => self.hand_over(at, &answers)?,
                Step::Await => self.wait_to_be_called(at),
                Step::Disconnect => self.hang_up(at),
                Step::Wait(until) => {
                    let left = until.map_or(SLEEP_MAX, |until| until.since(now).min(SLEEP_MAX));
                    let wake = self.now + left;
                    let machine = &mut self.machines[at];
                    if machine.wake_at.is_none_or(|pending| pending > wake || pending <= self.now) {
                        machine.wake_at = Some(wake);
                        self.at(wake, Event::Wake(at));
                    }
                    return Ok(());
                }
                Step::Finished => return Err(self.violation(format!("{at} has finished"))),
            }
        }
    }

    fn store(&mut self, at: usize, records: &[Record]) -> Result<(), Violation> {
        let is_full = self.faults.strikes(3);
        let tears = (self.faults.strikes(6), self.faults.strikes(6));
        let restored = self.told.restores;
        let machine = &mut self.machines[at];
        let now = machine.clock(self.now);
        let (Some(agent), Some(disk)) = (&mut machine.agent, &mut machine.disk) else { return Ok(()) };
        if is_full {
            agent.handle_store_failed("no space is left", now);
            return Ok(());
        }
        if tears.0 {
            self.crash(at);
            return Ok(());
        }
        let incarnation = disk.counters.incarnation;
        disk.store_in_database(records);
        for record in records {
            match record {
                Record::Report { seq, .. } if !machine.lived.made.insert((incarnation, *seq)) => {
                    let what = format!("{at}: report {seq} of {incarnation:x} is made a second time");
                    return Err(self.violation(what));
                }
                Record::Order { id, state: OrderState::Begun, .. } if !machine.lived.begun.insert(*id) => {
                    let what = format!("{at}: order {id} is begun a second time");
                    return Err(self.violation(what));
                }
                Record::Forget { seqs } => machine.lived.dropped.extend(seqs.iter().map(|seq| (incarnation, *seq))),
                Record::Taken(seq) if restored == 0 && !machine.lived.is_doubled => {
                    let key = (machine.id, incarnation, *seq);
                    if !self.server.disk.reports.contains(&key) {
                        let what = format!("{at}: report {seq} of {incarnation:x} was acknowledged and is not there");
                        return Err(self.violation(what));
                    }
                }
                _ => {}
            }
        }
        // Power may be cut between the database and the files beside the identity, and between those.
        for record in records {
            if tears.1 && self.faults.coin() {
                self.crash(at);
                return Ok(());
            }
            if let Some(disk) = &mut self.machines[at].disk {
                disk.store_beside(record);
            }
        }
        if let Some(agent) = &mut self.machines[at].agent {
            agent.handle_stored(now);
        }
        Ok(())
    }

    fn begin_run(&mut self, at: usize, order: Arc<RunOrder>) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        let RunOrder { assignment, digest, seq, .. } = &*order;
        if assignment.envoy_id != machine.id {
            let what = format!("{at} applies what was assigned to {}", assignment.envoy_id);
            return Err(self.violation(what));
        }
        if assignment.serial < machine.lived.serial {
            let what = format!("{at} goes back to serial {} from {}", assignment.serial, machine.lived.serial);
            return Err(self.violation(what));
        }
        if assignment.maintenance.holds(machine.clock(self.now).max(assignment.issued_at)) {
            let what = format!("{at} applies a policy in {}", assignment.maintenance);
            return Err(self.violation(what));
        }
        machine.lived.serial = assignment.serial;
        machine.runs += 1;
        self.told.runs += 1;
        let published = self.server.publishes.iter().any(|p| p.digest_for(&machine.hostname) == Some(*digest));
        if !published {
            let what = format!("{at} applies what was never published for `{}`", machine.hostname);
            return Err(self.violation(what));
        }
        let started = machine.clock(self.now);
        let refs = order.bundle.secret_refs.clone();
        let begun = Begun { seq: *seq, digest: *digest, started, refs: refs.clone() };
        match &mut machine.agent {
            Some(agent) if !refs.is_empty() => {
                machine.begun = Some(begun);
                agent.want_secrets(refs, started);
            }
            _ => self.ends_later(at, begun, true),
        }
        Ok(())
    }

    pub(super) fn ran(&mut self, at: usize, seq: u64, digest: [u8; 32], started: Timestamp, has_all: bool) {
        let (fails, drifts) = (self.faults.strikes(2), self.faults.strikes(1));
        let machine = &mut self.machines[at];
        let now = machine.clock(self.now);
        let changed = u32::from(machine.lived.applied != Some(digest) || drifts);
        let outcome = if fails {
            Err("another run is at work".into())
        } else if !has_all {
            Err("its secrets are not there".into())
        } else {
            machine.lived.applied = Some(digest);
            Ok(Arc::new(RunReport {
                dry_run: false,
                outcome: RunOutcome::Converged,
                counts: Counts { ok: 3, changed, ..Counts::default() },
                duration: now.since(started),
                resources: Vec::new(),
                files: Vec::new(),
            }))
        };
        if let Some(agent) = &mut machine.agent {
            agent.handle_run(RunResult { seq, started, outcome }, now);
        }
    }

    pub(super) fn collected(&mut self, at: usize) {
        let os = if self.faults.strikes(1) { "debian" } else { "alpine" };
        let machine = &mut self.machines[at];
        let now = machine.clock(self.now);
        let mut traits = TraitSet::new();
        let (os, name) = (Value::map([("distro", Value::text(os))]), Value::text(machine.hostname.as_str()));
        // Both are areas of their own, and small.
        let _ = (traits.insert("os", os), traits.insert("hostname", name));
        if let Some(agent) = &mut machine.agent {
            agent.handle_traits(&traits, now);
        }
    }

    fn ask(&mut self, at: usize, ask: Ask) {
        let machine = &mut self.machines[at];
        let now = machine.clock(self.now);
        match ask {
            Ask::CheckIn(check_in) => self.send(at, Channel::Request, &check_in),
            Ask::Traits(delta) => self.send(at, Channel::Request, &delta),
            Ask::Secrets(asked) => self.ask_for_secrets(at, asked),
            Ask::Order(result) => self.send(at, Channel::Request, &result),
            Ask::KeySet(own) => {
                self.hang_up(at);
                self.send(at, Channel::Enrol, &own);
            }
            Ask::Enrol(own) => self.enrol_anew(at, own),
            Ask::Renew(_) => self.send(at, Channel::Request, &RenewCertificate { csr: Vec::new() }),
            Ask::Report(seq) => {
                let bytes = machine.disk.as_ref().and_then(|disk| disk.reports.get(&seq).cloned());
                match bytes.and_then(|bytes| Report::decode(&bytes).ok()) {
                    Some(report) => self.send(at, Channel::Request, &report),
                    None => machine.agent.iter_mut().for_each(|agent| agent.handle_unreadable(now)),
                }
            }
        }
    }

    /// The simulated certificates have no name in them, unlike real ones.
    fn enrol_anew(&mut self, at: usize, own: Enrol) {
        self.hang_up(at);
        let named = Enrol { hostname: self.machines[at].hostname.clone(), ..own };
        self.send(at, Channel::Enrol, &named);
    }

    fn ask_to_enrol(&mut self, at: usize) {
        let machine = &self.machines[at];
        let enrol = Enrol {
            token: machine.token.clone(),
            hostname: machine.hostname.clone(),
            identity_key: machine.key.verifying_key().as_bytes().to_vec(),
            ..Enrol::default()
        };
        self.send(at, Channel::Enrol, &enrol);
    }

    /// Signs and sends, over a connection that is made where there is none.
    pub(super) fn send<M: Message>(&mut self, at: usize, channel: Channel, message: &M) {
        if self.server.is_up() && !self.believes(at, channel, M::KIND) {
            return self.is_strange(at, M::KIND);
        }
        let Some(link) = self.dial(at, channel) else { return self.unreachable(at, M::KIND) };
        let machine = &self.machines[at];
        let Some(open) = self.links.get_mut(&link) else { return };
        open.sequence += 1;
        let bytes = Envelope::sign(channel, &machine.key, open.sequence, &open.exporter, message).encode();
        let (boot, number) = (machine.boot, self.next_number());
        let patience = if M::KIND == Kind::Await {
            self.machines[at].awaited = Some(number);
            HELD_PATIENCE
        } else {
            self.machines[at].asked = Some((number, M::KIND));
            PATIENCE
        };
        self.at(self.now + patience, Event::Silence { machine: at, boot, number });
        self.carry(link, number, bytes);
    }

    fn wait_to_be_called(&mut self, at: usize) {
        let machine = &mut self.machines[at];
        let now = machine.clock(self.now);
        match machine.link.filter(|link| self.links.contains_key(link)) {
            Some(_) => self.send(at, Channel::Request, &Await {}),
            None => machine.agent.iter_mut().for_each(|a| a.handle_awaited(Err("the connection is gone".into()), now)),
        }
    }

    /// Nobody is there: told at once, or after a while.
    fn unreachable(&mut self, at: usize, kind: Kind) {
        let (boot, number) = (self.machines[at].boot, self.next_number());
        self.machines[at].asked = Some((number, kind));
        let wait = if self.faults.coin() { PATIENCE } else { Duration::from_ms(5) };
        self.at(self.now + wait, Event::Silence { machine: at, boot, number });
    }

    /// Takes an answer, if it is still waited for.
    pub(super) fn answered(&mut self, at: usize, number: u64, bytes: &[u8]) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        if machine.awaited == Some(number) {
            machine.awaited = None;
            let now = machine.clock(self.now);
            let awaited = match Reply::<Awaited>::decode(bytes) {
                Ok(Reply::Done(awaited)) => Ok(awaited),
                _ => Err("the answer is none".into()),
            };
            machine.agent.iter_mut().for_each(|agent| agent.handle_awaited(awaited.clone(), now));
            return self.drive(at);
        }
        let Some((_, kind)) = machine.asked.filter(|(asked, _)| *asked == number) else { return Ok(()) };
        machine.asked = None;
        if kind == Kind::Enrol && machine.agent.is_none() {
            return self.is_enrolled(at, bytes);
        }
        if matches!(kind, Kind::Enrol | Kind::GetKeySet) {
            // That connection was for this one question.
            self.hang_up(at);
        }
        let machine = &mut self.machines[at];
        let now = machine.clock(self.now);
        let opened = if kind == Kind::ResolveSecrets { machine.opened(bytes) } else { None };
        let Some(agent) = &mut machine.agent else { return Ok(()) };
        let response = match kind {
            Kind::CheckIn => read::<Answer>(bytes, Response::Answer),
            Kind::Report => read::<ReportTaken>(bytes, Response::Taken),
            Kind::TraitsDelta => read::<TraitsTaken>(bytes, Response::Traits),
            Kind::OrderResult => read::<OrderTaken>(bytes, Response::Order),
            Kind::ResolveSecrets => opened,
            Kind::GetKeySet => read::<KeySetAnswer>(bytes, Response::KeySet),
            Kind::Enrol => read::<Enrolled>(bytes, Response::Enrolled),
            _ => read::<Renewed>(bytes, Response::Renewed),
        };
        match response {
            Some(response) => agent.handle_answer(response, now),
            None => {
                agent.handle_failure("the answer is none", now);
                self.hang_up(at);
            }
        }
        self.drive(at)
    }

    fn is_enrolled(&mut self, at: usize, bytes: &[u8]) -> Result<(), Violation> {
        self.hang_up(at);
        let retry = self.now + Duration::from_secs(5 + self.faults.below(30));
        let incarnation = self.faults.below(u64::MAX);
        let root = self.server.root;
        let machine = &mut self.machines[at];
        let keyset = match Reply::<Enrolled>::decode(bytes) {
            Ok(Reply::Done(enrolled)) => {
                let keyset =
                    Signed::decode(&enrolled.keyset).ok().filter(|signed| KeySet::verify(signed, &root).is_ok());
                keyset.map(|keyset| (keyset, enrolled.certificate))
            }
            _ => None,
        };
        let Some((keyset, certificate)) = keyset else {
            self.at(retry, Event::Wake(at));
            return Ok(());
        };
        machine.disk = Some(Disk::new(keyset, certificate, incarnation));
        self.note(|| format!("{at}: enrolled"));
        self.boot(at)
    }

    /// Starts the agent of a machine.
    pub(super) fn boot(&mut self, at: usize) -> Result<(), Violation> {
        let root = self.server.root;
        let seed = self.faults.below(u64::MAX);
        let machine = &mut self.machines[at];
        machine.boot += 1;
        machine.wake_at = None;
        (machine.asked, machine.begun) = (None, None);
        if let Some(disk) = &machine.disk {
            let (life, fingerprint) = (seed, machine.id.0.to_vec());
            let until = Until::Stopped;
            let options = Options { life, seed, until, machine: fingerprint, ..Options::default() };
            match Agent::new(disk.stored(machine.key.verifying_key(), root), options, machine.clock(self.now)) {
                Ok(agent) => machine.agent = Some(agent),
                Err(error) => return Err(self.violation(format!("{at} cannot start: {error}"))),
            }
        }
        self.drive(at)
    }

    /// Cuts the power of a machine.
    pub(super) fn crash(&mut self, at: usize) {
        self.told.crashes += 1;
        self.hang_up(at);
        let loses = self.faults.strikes(2);
        let incarnation = self.faults.below(u64::MAX);
        let machine = &mut self.machines[at];
        machine.agent = None;
        machine.asked = None;
        machine.boot += 1;
        if loses && let Some(disk) = &mut machine.disk {
            // What was not acknowledged is lost with it.
            let lost = disk.reports.keys().map(|seq| (disk.counters.incarnation, *seq));
            machine.lived.dropped.extend(lost);
            machine.lived.begun.clear();
            disk.lose_database(incarnation);
        }
        let back = self.now + Duration::from_ms(self.faults.below(90_000));
        self.note(|| format!("{at}: crashed"));
        self.at(back, Event::Boot(at));
    }
}

fn read<M: Message>(bytes: &[u8], done: fn(M) -> Response) -> Option<Response> {
    match Reply::<M>::decode(bytes).ok()? {
        Reply::Done(message) => Some(done(message)),
        Reply::Refused(refused) => Some(Response::Refused(refused)),
    }
}
