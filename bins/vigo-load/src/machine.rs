//! A generated machine: the driver of the real agent, with memory for a disk and made-up runs.

use crate::clock::now;
use crate::enrol::{Asked, enrol};
use crate::error::LoadError;
use crate::fleet::Shared;
use crate::ledger::{Keys, Known};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use vigo_agent::life::{Credentials, Line, Question};
use vigo_agent::net::{
    Anchor, ClientCertificate, ClientIdentity, Dialer, NetError, TrustAnchors, new_key, signing_request,
};
use vigo_core::agent::{Agent, Ask, Disk, Event, Options, Record, Response, RunOrder, RunResult, Step, Until};
use vigo_core::bundle::{KeySet, SigningKey};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::traits::TraitSet;
use vigo_core::value::Value;
use vigo_core::wire::Message as _;
use vigo_core::wire::message::{Awaited, Enrol, RenewCertificate, Report};

/// A machine, from its first day.
pub struct Machine {
    shared: Arc<Shared>,
    nth: usize,
    name: String,
    known: Known,
}

/// The wait between two attempts to enrol, at first and at the longest: a server counts a minute.
const ENROL_RETRY: Duration = Duration::from_secs(2);
const ENROL_RETRY_MAX: Duration = Duration::from_secs(60);

/// The longest sleep: a clock that was set meanwhile is noticed after it.
const SLEEP_MAX: Duration = Duration::from_secs(60);

impl Machine {
    /// Makes machine number `nth`, from 0, of which this is known.
    pub fn new(shared: Arc<Shared>, nth: usize, name: String, known: Known) -> Self {
        Self { shared, nth, name, known }
    }

    /// Enrols it, if it is no envoy yet, and lives until the fleet ends.
    pub async fn live(mut self) {
        let mut stop = self.shared.stop.clone();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = sleep(self.shared.cli.delay(self.nth)) => {}
        }
        let begun = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            begun = self.begin() => begun,
        };
        match begun {
            Ok(life) => life.go_on().await,
            Err(why) => {
                tracing::warn!("{}: {why}", self.name);
                self.shared.counts.trouble(format!("{}: {why}", self.name));
            }
        }
    }

    async fn begin(&mut self) -> Result<Life, String> {
        let incarnation = random()?;
        let told = |error: LoadError| error.to_string();
        let keys = match self.known.keys.take() {
            Some(keys) => keys,
            None => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed).map_err(|e| e.to_string())?;
                let certificate = new_key().map_err(|e| e.to_string())?;
                let keys = Keys { identity: SigningKey::from_bytes(&seed), certificate };
                self.shared.ledger.keys(&self.name, &keys).map_err(told)?;
                keys
            }
        };
        let disk = match self.known.disk.take() {
            Some(mut disk) => {
                disk.lose_database(incarnation);
                disk
            }
            None => {
                let disk = self.enrol(&keys, incarnation).await?;
                self.shared.ledger.enrolled(&self.name, &disk).map_err(told)?;
                disk
            }
        };
        self.shared.ledger.database(&self.name, incarnation).map_err(told)?;
        self.shared.counts.enrolled(self.nth);
        let public = keys.identity.verifying_key();
        let options = Options {
            agent_version: env!("CARGO_PKG_VERSION").into(),
            machine: EnvoyId::of(&public).0.to_vec(),
            life: random()?,
            seed: random()?,
            until: Until::Stopped,
        };
        let stored = disk.stored(public, self.shared.cli.root_key);
        let agent = Agent::new(stored, options, now()).map_err(|e| e.to_string())?;
        Ok(Life {
            shared: Arc::clone(&self.shared),
            nth: self.nth,
            name: self.name.clone(),
            keys,
            disk,
            agent,
            line: None,
            asking: None,
            awaiting: None,
            run: None,
            applied: None,
            is_stopping: false,
            calls: self.shared.calls.clone(),
        })
    }

    /// Asks until a server takes the machine up, or says that it never will.
    async fn enrol(&self, keys: &Keys, incarnation: u64) -> Result<Disk, String> {
        let mut wait = ENROL_RETRY;
        loop {
            let asked = {
                let _turn = self.shared.enrolling.acquire().await;
                let Shared { cli, token, .. } = &*self.shared;
                enrol(cli, token, self.nth, &self.name, keys, incarnation).await
            };
            match asked {
                Asked::Envoy(disk) => {
                    self.shared.counts.enrolments.one();
                    return Ok(*disk);
                }
                Asked::Refused(why) => {
                    self.shared.counts.refusals.one();
                    return Err(why);
                }
                Asked::Later(why) => {
                    self.shared.counts.failures.one();
                    self.shared.counts.trouble(format!("{}: {why}", self.name));
                }
            }
            sleep(wait).await;
            wait = (wait * 2).min(ENROL_RETRY_MAX);
        }
    }
}

/// A question on its way. It gives the line back.
type Asking = Pin<Box<dyn Future<Output = (Line, Result<Response, NetError>)> + Send>>;

/// A question to be called, on its way.
type Awaiting = Pin<Box<dyn Future<Output = Result<Awaited, String>> + Send>>;

/// A run that is under way.
struct Run {
    order: Arc<RunOrder>,
    started: Timestamp,
    /// `None` while it waits for its secrets.
    ends: Option<Instant>,
    /// Secrets that it was not given.
    withheld: usize,
}

struct Life {
    shared: Arc<Shared>,
    nth: usize,
    name: String,
    keys: Keys,
    disk: Disk,
    agent: Agent,
    /// `None` before the first question, and while one is on its way.
    line: Option<Line>,
    asking: Option<Asking>,
    awaiting: Option<Awaiting>,
    run: Option<Run>,
    /// The policy that was applied last, and the epoch of its secrets.
    applied: Option<([u8; 32], u64)>,
    is_stopping: bool,
    /// Counts how often all were called to check in.
    calls: watch::Receiver<u64>,
}

impl Life {
    /// Does what the agent says, until it has finished.
    async fn go_on(mut self) {
        loop {
            let step = self.agent.poll(now());
            self.tell();
            match step {
                Step::Store(records) => {
                    self.store(&records);
                    self.agent.handle_stored(now());
                }
                Step::Load => {
                    let policy = self.disk.policy.clone().ok_or_else(|| "there is none".into());
                    self.agent.handle_policy(policy, now());
                }
                Step::Run(order) => self.begin_run(order),
                Step::Collect(_) => self.agent.handle_traits(&traits(&self.name), now()),
                Step::Ask(ask) => self.ask(ask),
                Step::Await => self.awaiting = self.line.as_ref().map(|line| Box::pin(line.wait()) as Awaiting),
                Step::Secrets(answers) => {
                    if let Some(run) = &mut self.run {
                        run.withheld = answers.iter().filter(|(_, value)| value.is_err()).count();
                        run.ends = Some(Instant::now() + Duration::from_millis(self.shared.cli.run_ms));
                    }
                }
                Step::Disconnect => {
                    (self.asking, self.awaiting) = (None, None);
                    if let Some(line) = &mut self.line {
                        line.disconnect().await;
                    }
                }
                Step::Wait(until) => self.wait(until).await,
                Step::Finished => return,
            }
        }
    }

    fn tell(&mut self) {
        let counts = &self.shared.counts;
        for event in self.agent.take_events() {
            tracing::debug!("{}: {event}", self.name);
            match &event {
                Event::Failed { .. } | Event::LineLost { .. } => counts.failures.one(),
                Event::Refused { .. } => counts.refusals.one(),
                Event::NotBelieved(_) | Event::Unusable(_) => counts.not_believed.one(),
                Event::PolicyTaken(_) => counts.policies.one(),
                Event::ReportsLost(some) => counts.reports_lost.add(*some as u64),
                _ => {}
            }
            if event.is_warning() {
                counts.trouble(format!("{}: {event}", self.name));
            }
        }
    }

    /// Nothing is forgotten before the process is.
    fn store(&mut self, records: &[Record]) {
        let Shared { counts, ledger, .. } = &*self.shared;
        let incarnation = self.disk.counters.incarnation;
        self.disk.store_in_database(records);
        for record in records {
            self.disk.store_beside(record);
            match record {
                Record::Report { .. } => counts.reports_made.one(),
                Record::Taken(_) => counts.reports_taken.one(),
                _ => {}
            }
            if let Err(error) = ledger.record(&self.name, incarnation, record) {
                counts.ledger_failures.one();
                counts.trouble(error.to_string());
            }
        }
    }

    fn begin_run(&mut self, order: Arc<RunOrder>) {
        let started = now();
        // What is applied already needs no values.
        let is_new = self.applied != Some((order.digest, order.secrets_epoch));
        let refs = if is_new { order.bundle.secret_refs.clone() } else { Vec::new() };
        let ends = refs.is_empty().then(|| Instant::now() + Duration::from_millis(self.shared.cli.run_ms));
        self.run = Some(Run { order, started, ends, withheld: 0 });
        if !refs.is_empty() {
            self.agent.want_secrets(refs, started);
        }
    }

    fn ran(&mut self) {
        let Some(Run { order, started, withheld, .. }) = self.run.take() else { return };
        let applied = (order.digest, order.secrets_epoch);
        let is_first = self.applied != Some(applied);
        self.applied = (withheld == 0).then_some(applied);
        let (profile, bytes) = (self.shared.cli.profile, self.shared.cli.report_bytes as usize);
        let report = profile.run(&order, is_first, bytes, withheld, now().since(started));
        self.shared.counts.ran(self.nth);
        self.agent.handle_run(RunResult { seq: order.seq, started, outcome: Ok(Arc::new(report)) }, now());
    }

    /// Sends a question on its way.
    fn ask(&mut self, ask: Ask) {
        let question = match ask {
            Ask::CheckIn(check_in) => Question::CheckIn(check_in),
            Ask::Traits(delta) => Question::Traits(delta),
            Ask::Order(result) => Question::Order(result),
            Ask::Report(seq) => match self.disk.reports.get(&seq).and_then(|bytes| Report::decode(bytes).ok()) {
                Some(report) => Question::Report(report),
                None => return self.agent.handle_unreadable(now()),
            },
            Ask::Secrets(asked) => Question::Secrets(asked),
            Ask::KeySet(own) => Question::KeySet(own),
            Ask::Enrol(enrol) => match signing_request(&self.keys.certificate) {
                Ok(csr) => {
                    let hostname = if enrol.hostname.is_empty() { self.name.clone() } else { enrol.hostname };
                    Question::Enrol(Enrol { csr, hostname, ..enrol })
                }
                Err(error) => return self.agent.handle_failure(&error.to_string(), now()),
            },
            Ask::Renew(_) => match signing_request(&self.keys.certificate) {
                Ok(csr) => Question::Renew(RenewCertificate { csr }),
                Err(error) => return self.agent.handle_failure(&error.to_string(), now()),
            },
        };
        let credentials = match self.credentials() {
            Ok(credentials) => credentials,
            Err(why) => return self.agent.handle_failure(&why, now()),
        };
        let dialer = || self.shared.cli.address(self.nth).map_or_else(Dialer::new, Dialer::from_address);
        let mut line = self.line.take().unwrap_or_else(|| Line::by(dialer()));
        self.asking = Some(Box::pin(async move {
            let answer = line.ask(&credentials, question).await;
            (line, answer)
        }));
    }

    fn credentials(&self) -> Result<Credentials, String> {
        let keyset = KeySet::verify(&self.disk.keyset, &self.shared.cli.root_key).map_err(|e| e.to_string())?;
        let Disk { certificate, servers, .. } = &self.disk;
        let certificate = ClientCertificate { certificate: certificate.clone(), key: self.keys.certificate.clone() };
        let client = ClientIdentity { key: self.keys.identity.clone(), certificate: Some(certificate) };
        let trust = TrustAnchors {
            authorities: keyset.authorities().map(|der| Anchor::Certificate(der.to_vec())).collect(),
            server_name: keyset.server_name(),
            newest: self.agent.server_time(),
        };
        Ok(Credentials::new(client, trust, servers.clone()))
    }

    /// Waits for whatever is first.
    async fn wait(&mut self, until: Option<Timestamp>) {
        let left = until.map_or(SLEEP_MAX, |at| Duration::from_millis(at.since(now()).as_ms()).min(SLEEP_MAX));
        let asking = async {
            match &mut self.asking {
                Some(asking) => asking.await,
                None => std::future::pending().await,
            }
        };
        let awaiting = async {
            match &mut self.awaiting {
                Some(awaiting) => awaiting.await,
                None => std::future::pending().await,
            }
        };
        let running = async {
            match self.run.as_ref().and_then(|run| run.ends) {
                Some(ends) => sleep_until(ends).await,
                None => std::future::pending().await,
            }
        };
        let mut stop = self.shared.stop.clone();
        let stopped = async {
            match self.is_stopping {
                false => drop(stop.wait_for(|stop| *stop).await),
                true => std::future::pending().await,
            }
        };
        tokio::select! {
            (line, answer) = asking => {
                (self.line, self.asking) = (Some(line), None);
                match answer {
                    Ok(response) => {
                        match response {
                            Response::Answer(_) => self.shared.counts.answered(self.nth),
                            Response::Enrolled(_) => self.shared.counts.enrolments.one(),
                            _ => {}
                        }
                        self.agent.handle_answer(response, now());
                    }
                    Err(error) => {
                        self.awaiting = None;
                        match error.is_of_strangers() {
                            true => self.agent.handle_stranger(&error.to_string(), now()),
                            false => self.agent.handle_failure(&error.to_string(), now()),
                        }
                    }
                }
            }
            awaited = awaiting => {
                self.awaiting = None;
                self.agent.handle_awaited(awaited, now());
            }
            () = running => self.ran(),
            () = stopped => {
                self.is_stopping = true;
                self.agent.stop();
            }
            // It waits for ever when nobody could call any more.
            Ok(()) = self.calls.changed() => self.agent.check_in_now(),
            () = sleep(left) => {}
        }
    }
}

/// Returns what such a machine is.
fn traits(name: &str) -> TraitSet {
    let mut traits = TraitSet::new();
    let os = [("distro", "debian"), ("family", "debian"), ("kernel", "linux"), ("version", "13")];
    let areas = [
        ("hostname", Value::text(name)),
        ("os", Value::map(os.map(|(key, value)| (key, Value::text(value))))),
        ("cpu", Value::map([("count", Value::Int(2))])),
        ("memory", Value::map([("total_mb", Value::Int(2048))])),
    ];
    for (area, value) in areas {
        // Each is an area of its own, and small.
        let _ = traits.insert(area, value);
    }
    traits
}

/// Returns a number from the operating system, for jitter and for telling databases and processes apart.
fn random() -> Result<u64, String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|e| e.to_string())?;
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_traits_of_its_own() {
        assert!(traits("load-7").value().at("hostname").and_then(Value::as_str) == Some("load-7"));
    }
}
