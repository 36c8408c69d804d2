//! Time and the network.

use super::fault::Faults;
use super::link::Link;
use super::machine::Machine;
use super::secrets::is_bare;
use super::server::{Disk, Question, Server, Taken, Token};
use super::story::{Story, Told, Violation};
use crate::bundle::SigningKey;
use crate::entropy::Entropy;
use crate::glob::Glob;
use crate::server::{TokenRecord, TokenText};
use crate::time::{Duration, Timestamp};
use crate::wire::message::Refused;
use crate::wire::{Channel, Exporter, Kind, ReplayWindow};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};

/// A fleet, its server and its network.
pub struct World {
    pub(super) story: Story,
    pub(super) now: Timestamp,
    pub(super) faults: Faults,
    pub(super) server: Server,
    pub(super) machines: Vec<Machine>,
    pub(super) links: BTreeMap<u64, Link>,
    events: BTreeMap<(Timestamp, u64), Event>,
    numbers: u64,
    pub(super) told: Told,
    digest: Sha256,
    /// A disk of the server, to go back to.
    pub(super) snapshot: Option<Disk>,
    /// Requests that were answered, to be sent again.
    pub(super) answered: VecDeque<Vec<u8>>,
    /// Answers to check-ins, and to questions for secrets, to be given to others, or again.
    pub(super) answers: [VecDeque<Vec<u8>>; 2],
    pub(super) replays: BTreeSet<u64>,
    trace: Option<VecDeque<String>>,
}

/// What happens at a time.
pub(super) enum Event {
    /// A machine looks at the clock.
    Wake(usize),
    /// A machine has power.
    Boot(usize),
    /// A request arrives at the server.
    Arrive { link: u64, number: u64, bytes: Vec<u8> },
    /// An answer arrives at a machine.
    Reply { link: u64, number: u64, bytes: Vec<u8> },
    /// A machine waits no longer.
    Silence { machine: usize, boot: u64, number: u64 },
    /// A machine does not believe the server.
    Strange { machine: usize, boot: u64, number: u64 },
    /// A run has ended.
    Ran { machine: usize, boot: u64, seq: u64, digest: [u8; 32], started: Timestamp, has_all: bool },
    /// Traits are collected.
    Collected { machine: usize, boot: u64 },
    /// The server commits.
    Commit { boot: u64 },
    /// The server answers those who have waited long enough to be called.
    Call { boot: u64 },
    /// The server lays its counters down.
    Flush { boot: u64 },
    /// The server has power.
    ServerUp,
    /// Somebody lets all in that wait.
    LetIn,
    /// Something goes wrong, or somebody does something.
    Mischief,
}

pub(super) const START: Timestamp = Timestamp::from_epoch_ms(1_795_316_400_000);
pub(super) const FLUSH_PERIOD: Duration = Duration::from_secs(10);

/// What is remembered of requests and answers, and of what happened.
pub(super) const REMEMBERED: usize = 16;
const TRACE_LINES: usize = 400;

/// Uses of a token, and how many machines are given it: more than it has.
const USES: usize = 3;
const GIVEN: usize = 4;

impl World {
    /// Lives through a story.
    ///
    /// # Errors
    /// The first [`Violation`], with what happened before it.
    pub fn run(story: &Story) -> Result<Told, Violation> {
        match Self::new(story).live() {
            // The same again, told: keeping the trace of all stories costs more than living through this one twice.
            Err(_) => Self { trace: Some(VecDeque::new()), ..Self::new(story) }.live(),
            told => told,
        }
    }

    fn new(story: &Story) -> Self {
        let mut faults = Faults::new(story.seed, story.rarity);
        let mut server = Server::new(&mut faults, story.machines, story.interval, story.holds);
        let (mut machines, mut token) = (Vec::new(), String::new());
        for at in 0..story.machines {
            if at % GIVEN == 0 {
                let text = TokenText::new(Entropy::new(faults.bytes()), Entropy::new(faults.bytes()));
                let Ok(pattern) = Glob::parse("*") else { continue };
                token = text.reveal();
                let id = text.id().to_string();
                let expires = START + story.storm + story.calm;
                let record = TokenRecord { id: id.clone(), pattern, uses_left: USES as u32, expires, replaces: false };
                server.disk.tokens.insert(id, Token { text, record, uses: 0 });
            }
            let key = SigningKey::from_bytes(&faults.bytes());
            let kind = ["web", "db", "web", "other"][at % 4];
            machines.push(Machine::new(key, format!("{kind}-{at}"), token.clone()));
        }
        Self {
            story: story.clone(),
            now: START,
            faults,
            server,
            machines,
            links: BTreeMap::new(),
            events: BTreeMap::new(),
            numbers: 0,
            told: Told::default(),
            digest: Sha256::new(),
            snapshot: None,
            answered: VecDeque::new(),
            answers: Default::default(),
            replays: BTreeSet::new(),
            trace: None,
        }
    }

    fn live(mut self) -> Result<Told, Violation> {
        self.start_server();
        for at in 0..self.machines.len() {
            let wake = self.now + Duration::from_ms(self.faults.below(10_000));
            self.at(wake, Event::Boot(at));
        }
        self.at(self.now, Event::Mischief);
        self.publish();
        let (rage, end) = (self.now + self.story.storm, self.now + self.story.storm + self.story.calm);
        self.until(rage)?;
        self.calm();
        self.until(end)?;
        self.at_rest()?;
        self.told.adopted = self.server.beside.adopted;
        self.told.remembered = self.server.beside.told;
        self.told.enrolled_anew = self.server.beside.enrolled_anew;
        self.told.let_in = self.server.beside.let_in;
        self.told.envoys = self.server.disk.envoys.len();
        self.told.reports = self.server.disk.reports.len() as u64;
        self.told.digest = self.digest.finalize().into();
        Ok(self.told)
    }

    fn until(&mut self, end: Timestamp) -> Result<(), Violation> {
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((at, number), event) = entry.remove_entry();
            self.now = at;
            self.digest.update(at.epoch_ms().to_be_bytes());
            self.digest.update(number.to_be_bytes());
            self.happens(event)?;
        }
        self.now = end;
        Ok(())
    }

    fn happens(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Wake(at) => {
                let machine = &mut self.machines[at];
                machine.wake_at = machine.wake_at.filter(|wake| *wake > self.now);
                self.drive(at)
            }
            // One that was started meanwhile is not started again.
            Event::Boot(at) if self.machines[at].agent.is_none() => self.boot(at),
            Event::Boot(_) => Ok(()),
            Event::Arrive { link, number, bytes } => self.arrives(link, number, bytes),
            Event::Reply { link, number, bytes } => match self.links.get(&link).map(|link| link.machine) {
                Some(at) => self.answered(at, number, &bytes),
                None => Ok(()),
            },
            Event::Silence { machine, boot, number } => self.silence(machine, boot, number),
            Event::Strange { machine, boot, number } => self.strange(machine, boot, number),
            Event::Ran { machine, boot, seq, digest, started, has_all } if self.machines[machine].boot == boot => {
                self.ran(machine, seq, digest, started, has_all);
                self.drive(machine)
            }
            Event::Collected { machine, boot } if self.machines[machine].boot == boot => {
                self.collected(machine);
                self.drive(machine)
            }
            Event::Ran { .. } | Event::Collected { .. } => Ok(()),
            Event::Commit { boot } if boot == self.server.boot => self.commit(),
            Event::Flush { boot } if boot == self.server.boot => {
                self.server.flush(self.now);
                self.at(self.now + FLUSH_PERIOD, Event::Flush { boot });
                Ok(())
            }
            Event::Call { boot } if boot == self.server.boot => {
                self.call();
                Ok(())
            }
            Event::Commit { .. } | Event::Call { .. } | Event::Flush { .. } => Ok(()),
            Event::ServerUp if !self.server.is_up() => {
                self.start_server();
                Ok(())
            }
            Event::ServerUp => Ok(()),
            Event::LetIn => {
                self.let_in();
                Ok(())
            }
            Event::Mischief => self.mischief(),
        }
    }

    // ---- the network ----

    /// Returns a connection of a machine for a channel, made where there is none; `None` where nobody answers.
    pub(super) fn dial(&mut self, at: usize, channel: Channel) -> Option<u64> {
        let machine = &self.machines[at];
        if let Some(link) = machine.link.filter(|link| self.links.contains_key(link)) {
            return Some(link);
        }
        if !self.server.is_up() || machine.cut_until > self.now || self.faults.strikes(2) {
            return None;
        }
        let not_after = machine.disk.as_ref().and_then(|disk| crate::agent::validity(&disk.certificate));
        let certificate = not_after.map(|validity| (machine.id, validity.not_after));
        let issuer = machine.disk.as_ref().and_then(|disk| self.server.issued.get(&disk.certificate));
        let is_trusted = issuer == Some(&self.server.authority);
        let exporter = Exporter(self.faults.bytes());
        let id = self.next_number();
        let replays = ReplayWindow::default();
        self.links.insert(id, Link { machine: at, channel, exporter, certificate, is_trusted, sequence: 0, replays });
        self.machines[at].link = Some(id);
        Some(id)
    }

    pub(super) fn hang_up(&mut self, at: usize) {
        self.machines[at].awaited = None;
        if let Some(link) = self.machines[at].link.take() {
            self.links.remove(&link);
        }
    }

    /// Carries a request to the server, or loses it.
    pub(super) fn carry(&mut self, link: u64, number: u64, bytes: Vec<u8>) {
        if self.faults.strikes(1) {
            self.told.lost += 1;
            return;
        }
        let due = self.now + self.faults.delay();
        self.at(due, Event::Arrive { link, number, bytes });
    }

    fn arrives(&mut self, link: u64, number: u64, bytes: Vec<u8>) -> Result<(), Violation> {
        let Some(open) = self.links.get_mut(&link).filter(|_| self.server.is_up()) else { return Ok(()) };
        if self.machines[open.machine].cut_until > self.now {
            self.told.lost += 1;
            return Ok(());
        }
        let (at, channel, question) = (open.machine, open.channel, Question { link, number });
        let taken = self.server.take(question, open, &bytes, self.now);
        self.told.answered += 1;
        self.note(|| format!("server: a request of {at}"));
        if self.server.beside.is_stale {
            return Err(self.violation(format!("{at} is offered an order of before the server's disk went back")));
        }
        if self.server.beside.told > 0 && self.told.restores == 0 {
            return Err(self.violation(format!("{at} tells of a time that was never lost")));
        }
        if let Some(again) = self.replays.take(&number) {
            let Taken::Reply(reply) = taken else {
                return Err(self.violation(format!("request {again} of {at} was answered twice")));
            };
            self.told.replays += 1;
            // The byte behind version and kind says whether it is a refusal.
            if reply.get(4) != Some(&1) {
                return Err(self.violation(format!("request {again} of {at} was answered twice")));
            }
            return Ok(());
        }
        // Who is not known is taken up by a later request, and what it asked before was not answered.
        if channel == Channel::Request && !is_unknown(&taken) {
            if self.faults.strikes(1) {
                self.again(link, bytes.clone());
            }
            self.answered.push_back(bytes);
            self.answered.drain(..self.answered.len().saturating_sub(REMEMBERED));
        }
        match taken {
            Taken::Reply(reply) if is_bare(&reply) => {
                return Err(self.violation(format!("a secret is sent bare to {at}")));
            }
            Taken::Reply(reply) => self.reply(question, reply),
            Taken::Queued => {
                let due = self.now + Duration::from_ms(1 + self.faults.below(20));
                self.at(due, Event::Commit { boot: self.server.boot });
            }
            Taken::Held(until) => {
                let left = until.since(self.server.clock(self.now));
                self.at(self.now + left, Event::Call { boot: self.server.boot });
            }
        }
        Ok(())
    }

    /// Calls those for whom there is something, and lets those ask again who have waited long enough.
    pub(super) fn call(&mut self) {
        for (question, reply, is_called) in self.server.call(self.now) {
            self.told.called += u64::from(is_called);
            self.reply(question, reply);
        }
    }

    fn commit(&mut self) -> Result<(), Violation> {
        for (question, reply) in self.server.commit(self.now) {
            self.reply(question, reply);
        }
        // Whatever the server's disk has forgotten; of a whole volume that went back nobody knows until an agent tells.
        let of = |(id, uses): (&String, &usize)| format!("token `{id}` made {uses} envoys");
        let used = self.server.beside.uses.iter().find(|(_, uses)| **uses > USES).map(of);
        if let Some(what) = used.filter(|_| self.told.volumes == 0) {
            return Err(self.violation(what));
        }
        // Between the commit and its answers the power may go.
        if self.faults.strikes(20) {
            self.crash_server(false);
        }
        Ok(())
    }

    /// Carries an answer to its machine, or loses it.
    fn reply(&mut self, question: Question, reply: Vec<u8>) {
        let Question { link, number } = question;
        let Some(at) = self.links.get(&link).map(|link| link.machine) else { return };
        if self.faults.strikes(1) {
            self.told.lost += 1;
            return;
        }
        let pool = match self.machines[at].asked.filter(|(asked, _)| *asked == number) {
            Some((_, Kind::CheckIn)) => Some(0),
            Some((_, Kind::ResolveSecrets)) => Some(1),
            _ => None,
        };
        let mut bytes = reply;
        if let Some(pool) = pool.filter(|_| self.story.hostile) {
            let chosen = self.faults.below(REMEMBERED as u64) as usize;
            let answers = &mut self.answers[pool];
            let other = answers.get(chosen).cloned();
            answers.push_back(bytes.clone());
            answers.drain(..answers.len().saturating_sub(REMEMBERED));
            if self.faults.strikes(1)
                && let Some(other) = other
            {
                self.told.forged += 1;
                bytes = other;
                if self.faults.coin() {
                    let flipped = self.faults.below(bytes.len() as u64) as usize;
                    bytes.iter_mut().skip(flipped).take(1).for_each(|byte| *byte ^= 1);
                }
            }
        }
        let due = self.now + self.faults.delay();
        self.at(due, Event::Reply { link, number, bytes });
    }

    fn silence(&mut self, at: usize, boot: u64, number: u64) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        let now = machine.clock(self.now);
        if machine.boot == boot && machine.awaited == Some(number) {
            machine.awaited = None;
            machine.agent.iter_mut().for_each(|agent| agent.handle_awaited(Err("nothing comes any more".into()), now));
            return self.drive(at);
        }
        if machine.boot != boot || machine.asked.is_none_or(|(asked, _)| asked != number) {
            return Ok(());
        }
        machine.asked = None;
        match &mut machine.agent {
            Some(agent) => agent.handle_failure("nobody answers", now),
            None => {
                // A machine that is not enrolled asks again later.
                let retry = self.now + Duration::from_secs(1 + self.faults.below(30));
                self.hang_up(at);
                self.at(retry, Event::Wake(at));
                return Ok(());
            }
        }
        self.hang_up(at);
        self.drive(at)
    }

    fn strange(&mut self, at: usize, boot: u64, number: u64) -> Result<(), Violation> {
        let machine = &mut self.machines[at];
        let now = machine.clock(self.now);
        if machine.boot != boot || machine.asked.is_none_or(|(asked, _)| asked != number) {
            return Ok(());
        }
        machine.asked = None;
        machine.agent.iter_mut().for_each(|agent| agent.handle_stranger("it has another authority", now));
        self.hang_up(at);
        self.drive(at)
    }

    // ---- the clockwork ----

    pub(super) fn at(&mut self, time: Timestamp, event: Event) {
        let number = self.next_number();
        self.events.insert((time.max(self.now), number), event);
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Notes what happens, where somebody is going to read it.
    pub(super) fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push_back(format!("{} {}", self.now, line()));
            trace.drain(..trace.len().saturating_sub(TRACE_LINES));
        }
    }

    pub(super) fn violation(&mut self, what: String) -> Violation {
        let trace = self.trace.take().unwrap_or_default().into();
        Violation { seed: self.story.seed, at: self.now, what, trace }
    }
}

/// Returns whether a request is refused because the server does not know who asks.
fn is_unknown(taken: &Taken) -> bool {
    let code = Refused::UNKNOWN.as_bytes();
    matches!(taken, Taken::Reply(reply) if reply.get(4) == Some(&1) && reply.windows(code.len()).any(|w| w == code))
}
