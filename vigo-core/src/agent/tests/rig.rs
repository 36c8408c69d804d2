//! An agent with a disk and a server, both of which may fail.

use crate::agent::*;
use crate::bundle::{
    Assignment, Ca, KeySet, KeyState, Maintenance, Order, OrderId, PolicyBundle, Signed, SigningKey, TrustedKey,
    VerifyingKey, sign,
};
use crate::converge::{Counts, RunOutcome, RunReport};
use crate::id::EnvoyId;
use crate::secret::SecretValue;
use crate::time::{Duration, Timestamp};
use crate::wire::Message as _;
use crate::wire::message::{Answer, CheckIn, OrderTaken, Report, ReportTaken};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

pub(super) const START: Timestamp = Timestamp::from_epoch_ms(1_795_316_400_000);
pub(super) const INTERVAL: Duration = Duration::from_secs(300);

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(super) fn root() -> SigningKey {
    key(1)
}

/// Signs version `version` with these bundle keys.
pub(super) fn keyset(version: u64, keys: &[(&SigningKey, KeyState)]) -> Signed {
    let bundle_keys = keys.iter().map(|(k, state)| TrustedKey { key: k.verifying_key(), state: *state }).collect();
    let cas = vec![Ca { certificate: vec![1], state: KeyState::Active }];
    KeySet { version, root: root().verifying_key(), bundle_keys, cas }.sign(&root())
}

pub(super) fn bundle(name: &str) -> PolicyBundle {
    PolicyBundle { files: vec![name.into()], ..PolicyBundle::default() }
}

pub(super) fn me() -> EnvoyId {
    EnvoyId::of(&key(9).verifying_key())
}

pub(super) fn assignment(serial: u64, bundle: Option<&Signed>) -> Assignment {
    Assignment {
        envoy_id: me(),
        hostname: "web-1".into(),
        environment: String::new(),
        bundle_digest: bundle.map(Signed::digest),
        observe_only: false,
        maintenance: Maintenance::No,
        max_age: Duration::ZERO,
        interval: INTERVAL,
        splay: Duration::ZERO,
        serial,
        issued_at: START,
    }
}

/// Returns the disk of a machine that has just enrolled.
pub(super) fn disk() -> Disk {
    let certificate = crate::agent::validity::tests::certificate("261101000000Z", "281101000000Z");
    Disk::new(keyset(1, &[(&key(2), KeyState::Active)]), certificate, 7)
}

/// Starts an agent from what its disk holds.
pub(super) fn boot(disk: &Disk, until: Until, now: Timestamp) -> Agent {
    let stored = disk.stored(key(9).verifying_key(), root().verifying_key());
    Agent::new(stored, Options { life: 9, seed: 5, until, ..Options::default() }, now)
        .expect("the key set is the root's")
}

/// Makes records durable.
pub(super) fn store(disk: &mut Disk, records: &[Record]) {
    disk.store_in_database(records);
    records.iter().for_each(|record| disk.store_beside(record));
}

/// A server: what it assigns, and what it has counted.
pub(super) struct Server {
    pub(super) key: SigningKey,
    pub(super) keyset: Signed,
    pub(super) version: u64,
    pub(super) serial: u64,
    pub(super) bundle: Option<Signed>,
    pub(super) contact: u64,
    pub(super) next_in: Duration,
    pub(super) hold: bool,
    pub(super) maintenance: Maintenance,
    pub(super) max_age: Duration,
    /// Not answered for.
    pub(super) orders: Vec<Order>,
    /// What was said of each, in the order in which it came.
    pub(super) answered: Vec<(OrderId, String)>,
    pub(super) highest: u64,
    pub(super) counted: Vec<Report>,
    pub(super) check_ins: Vec<CheckIn>,
}

impl Server {
    pub(super) fn new() -> Self {
        Self {
            key: key(2),
            keyset: keyset(1, &[(&key(2), KeyState::Active)]),
            version: 1,
            serial: 100,
            bundle: None,
            contact: 0,
            next_in: INTERVAL,
            hold: false,
            maintenance: Maintenance::No,
            max_age: Duration::ZERO,
            orders: Vec::new(),
            answered: Vec::new(),
            highest: 0,
            counted: Vec::new(),
            check_ins: Vec::new(),
        }
    }

    /// Orders the agent to converge.
    pub(super) fn order(&mut self, n: u8, now: Timestamp) -> OrderId {
        let (id, not_after) = (OrderId([n; 16]), now + Duration::from_secs(3600));
        let kind = Order::CONVERGE.into();
        self.orders.push(Order { id, envoy_id: me(), kind, body: Vec::new(), issued_at: now, not_after });
        id
    }

    pub(super) fn publish(&mut self, name: &str) {
        self.bundle = Some(sign(&bundle(name), &self.key).expect("it is a bundle"));
    }

    /// Answers as a server does.
    pub(super) fn answer(&mut self, ask: &Ask, disk: &Disk) -> Response {
        match ask {
            Ask::CheckIn(check_in) => {
                self.check_ins.push(check_in.clone());
                self.contact += 1;
                let told = check_in.run.map_or(0, |run| run.seq);
                self.highest = self.highest.max(told);
                let mut answer = Answer {
                    next_in_ms: self.next_in.as_ms(),
                    contact: self.contact,
                    hold: self.hold,
                    newest_run: if told > 0 && told < self.highest { self.highest } else { 0 },
                    orders: self.orders.iter().map(|order| order.sign(&self.key).encode()).collect(),
                    ..Answer::default()
                };
                if check_in.keyset < self.version {
                    answer.keyset = Some(self.keyset.encode());
                }
                let mut current = assignment(0, self.bundle.as_ref());
                (current.maintenance, current.max_age) = (self.maintenance, self.max_age);
                let ids = (self.key_id(), self.bundle.as_ref().map_or(self.zero(), |b| b.key_id));
                if self.bundle.is_some() && check_in.assignment_digest != current.digest(ids.0, ids.1) {
                    self.serial = self.serial.max(check_in.serial) + 1;
                    current.serial = self.serial;
                    answer.assignment = Some(current.sign(&self.key).encode());
                    answer.bundle = self.bundle.as_ref().map(Signed::encode);
                }
                Response::Answer(answer)
            }
            Ask::Report(seq) => {
                let report = Report::decode(&disk.reports[seq]).expect("it is a report");
                assert_eq!((report.incarnation, report.seq), (7, *seq));
                if report.seq > self.highest {
                    self.highest = report.seq;
                    self.counted.push(report);
                }
                Response::Taken(ReportTaken { incarnation: 7, seq: self.highest })
            }
            Ask::Secrets(asked) => {
                let value = |path: &String| (path.as_str().into(), Ok(secret_of(path)));
                Response::Secrets(asked.refs.iter().map(value).collect())
            }
            Ask::Order(result) => {
                let id = OrderId(<[u8; 16]>::try_from(&*result.id).expect("it is a name"));
                if let Some(at) = self.orders.iter().position(|order| order.id == id) {
                    self.orders.remove(at);
                    self.answered.push((id, result.outcome.clone()));
                }
                Response::Order(OrderTaken { id: result.id.clone() })
            }
            Ask::Traits(_) | Ask::Renew(_) | Ask::KeySet(_) | Ask::Enrol(_) => {
                Response::Refused(crate::wire::message::Refused::default())
            }
        }
    }

    fn key_id(&self) -> crate::bundle::KeyId {
        crate::bundle::KeyId::of(&self.key.verifying_key())
    }

    fn zero(&self) -> crate::bundle::KeyId {
        crate::bundle::KeyId([0; 32])
    }
}

/// Returns what the server has at a path.
pub(super) fn secret_of(path: &str) -> SecretValue {
    SecretValue::new(alloc::format!("value of {path}"))
}

/// Returns the report of a run that changed so many resources.
pub(super) fn ran(changed: u32) -> Arc<RunReport> {
    Arc::new(RunReport {
        dry_run: false,
        outcome: RunOutcome::Converged,
        counts: Counts { ok: 3, changed, ..Counts::default() },
        duration: Duration::from_ms(20),
        resources: Vec::new(),
        files: Vec::new(),
    })
}

/// Keeps an agent busy, answering everything at once, until it waits or has finished; returns when it is to be polled.
pub(super) struct Rig {
    pub(super) agent: Agent,
    pub(super) disk: Disk,
    pub(super) server: Option<Server>,
    pub(super) now: Timestamp,
    /// How many resources each run changes, and the names of the policies that ran.
    pub(super) changes: u32,
    pub(super) runs: Vec<(u64, String)>,
    pub(super) events: Vec<Event>,
    pub(super) disk_is_full: bool,
    pub(super) traits: crate::traits::TraitSet,
    pub(super) disconnects: u32,
    pub(super) awaits: u32,
    /// The secrets that each run asks for, the number of the one that waits for them, and what they were given.
    pub(super) wants: Vec<Arc<str>>,
    pub(super) waiting: Option<u64>,
    pub(super) handed: Vec<SecretAnswers>,
}

impl Rig {
    pub(super) fn new() -> Self {
        let disk = disk();
        let agent = boot(&disk, Until::Stopped, START);
        Self {
            agent,
            disk,
            server: Some(Server::new()),
            now: START,
            changes: 0,
            runs: Vec::new(),
            events: Vec::new(),
            disk_is_full: false,
            traits: crate::traits::TraitSet::new(),
            disconnects: 0,
            awaits: 0,
            wants: Vec::new(),
            waiting: None,
            handed: Vec::new(),
        }
    }

    pub(super) fn server(&mut self) -> &mut Server {
        self.server.as_mut().expect("it is there")
    }

    /// Runs until the agent waits, and returns until when.
    pub(super) fn settle(&mut self) -> Option<Timestamp> {
        for _ in 0..1000 {
            let step = self.agent.poll(self.now);
            self.events.extend(self.agent.take_events());
            match step {
                Step::Store(records) if self.disk_is_full => {
                    assert!(!records.is_empty());
                    self.agent.handle_store_failed("no space is left", self.now);
                }
                Step::Store(records) => {
                    store(&mut self.disk, &records);
                    self.agent.handle_stored(self.now);
                }
                Step::Load => {
                    let policy = self.disk.policy.clone().ok_or("it is gone".into());
                    self.agent.handle_policy(policy, self.now);
                }
                Step::Run(order) => {
                    self.runs.push((order.seq, order.bundle.files[0].as_ref().into()));
                    self.begin(order.seq);
                }
                Step::Secrets(answers) => self.hand_over(answers),
                Step::Ask(ask) => match &mut self.server {
                    Some(server) => {
                        let response = server.answer(&ask, &self.disk);
                        self.agent.handle_answer(response, self.now);
                    }
                    None => self.agent.handle_failure("connection refused", self.now),
                },
                Step::Collect(_) => self.agent.handle_traits(&self.traits, self.now),
                Step::Await => self.awaits += 1,
                Step::Disconnect => self.disconnects += 1,
                Step::Wait(until) => {
                    assert!(until.is_none_or(|at| at > self.now), "it waits for what is past");
                    return until;
                }
                Step::Finished => return None,
            }
        }
        panic!("it never waits");
    }

    /// Runs, also into the future, until the agent asks something, and returns what.
    pub(super) fn next_ask(&mut self) -> Ask {
        let server = self.server.take();
        for _ in 0..1000 {
            match self.agent.poll(self.now) {
                Step::Ask(ask) => {
                    self.server = server;
                    return ask;
                }
                Step::Store(records) => {
                    store(&mut self.disk, &records);
                    self.agent.handle_stored(self.now);
                }
                Step::Load => {
                    let policy = self.disk.policy.clone().ok_or("it is gone".into());
                    self.agent.handle_policy(policy, self.now);
                }
                Step::Run(order) => {
                    self.runs.push((order.seq, order.bundle.files[0].as_ref().into()));
                    self.begin(order.seq);
                }
                Step::Secrets(answers) => self.hand_over(answers),
                Step::Collect(_) => self.agent.handle_traits(&self.traits, self.now),
                Step::Wait(at) => self.now = at.expect("it waits for something"),
                Step::Await => self.awaits += 1,
                Step::Disconnect => self.disconnects += 1,
                Step::Finished => panic!("it has finished"),
            }
        }
        panic!("it never asks");
    }

    /// Begins a run: it ends when it has its secrets, where it wants some.
    fn begin(&mut self, seq: u64) {
        self.waiting = Some(seq);
        match self.wants.is_empty() {
            true => self.finish(),
            false => self.agent.want_secrets(self.wants.clone(), self.now),
        }
    }

    fn finish(&mut self) {
        let seq = self.waiting.take().expect("a run is under way");
        let outcome = Ok(ran(self.changes));
        self.agent.handle_run(RunResult { seq, started: self.now, outcome }, self.now);
    }

    pub(super) fn hand_over(&mut self, answers: SecretAnswers) {
        assert!(answers.iter().map(|(path, _)| path).eq(&self.wants), "all that was asked for, and nothing else");
        self.handed.push(answers);
        self.finish();
    }

    /// Has the server answer.
    pub(super) fn answer(&mut self, ask: &Ask) {
        let response = self.server.as_mut().expect("it is there").answer(ask, &self.disk);
        self.agent.handle_answer(response, self.now);
    }

    /// Lets this much time pass.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(at) = self.settle()
            && at <= end
        {
            self.now = at;
        }
        self.now = end;
        self.settle();
    }

    /// Returns the serial below which nothing is believed, as it lies beside the identity.
    pub(super) fn floor(&self) -> u64 {
        self.disk.highest.as_ref().and_then(Assignment::serial_of).unwrap_or(0)
    }

    pub(super) fn reboot(&mut self) {
        self.agent = boot(&self.disk, Until::Stopped, self.now);
    }

    pub(super) fn said(&self) -> String {
        self.events.iter().map(|e| alloc::format!("{e}\n")).collect()
    }
}

pub(super) fn believed(key: &SigningKey) -> [VerifyingKey; 1] {
    [key.verifying_key()]
}
