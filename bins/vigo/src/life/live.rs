//! The loop.

use super::LifeError;
use super::line::{Credentials, Line, Question};
use super::place::Place;
use super::signals::{Call, Signals};
use super::work::{Done, start_run, start_traits};
use crate::apply::now;
use crate::identity::{Identity, fingerprint};
use crate::net::{NetError, signing_request};
use crate::state::{Journal, JournalError, Opened, StateError};
use crate::system;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use vigo_core::agent::{Agent, Ask, Options, Record, Response, RunResult, SecretAnswers, Step, Stored, Until};
use vigo_core::converge::RunOutcome;
use vigo_core::time::Timestamp;
use vigo_core::wire::Message as _;
use vigo_core::wire::message::{Awaited, Enrol, RenewCertificate, Report};

/// How an agent is to live.
#[derive(Clone, Debug)]
pub struct LifeOptions {
    /// Where the state is; the default is that of the machine, or of the image.
    pub state_dir: Option<PathBuf>,
    /// Converge an image or sandbox below this directory.
    pub root: Option<PathBuf>,
    /// When it ends by itself.
    pub until: Until,
}

/// How a life ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// A server did what it was last asked.
    pub in_touch: bool,
    /// Why a server did not.
    pub why: Option<String>,
    /// Whether the last run converged; `None` when there was none.
    pub converged: Option<bool>,
}

/// The longest sleep: a clock that was set meanwhile is noticed after it.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The waits between attempts to open a state directory that cannot be used for now.
const OPEN_RETRY: Duration = Duration::from_secs(5);
const OPEN_RETRY_MAX: Duration = Duration::from_secs(300);

/// Lives until it is told to end, or [`LifeOptions::until`] says so.
///
/// # Errors
/// [`LifeError`], when there is nothing to live from.
pub fn live(options: &LifeOptions) -> Result<Ended, LifeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LifeError::system)?;
    runtime.block_on(lives(options))
}

/// Lives as a service, until its manager says that it is to end.
///
/// # Errors
/// As [`live`].
#[cfg(windows)]
pub(crate) fn live_as_service(
    options: &LifeOptions,
    manager: UnboundedReceiver<crate::windows::Control>,
) -> Result<Ended, LifeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LifeError::system)?;
    runtime.block_on(async { lives_with(options, &mut Signals::of_service(manager)?).await })
}

pub(super) async fn lives(options: &LifeOptions) -> Result<Ended, LifeError> {
    lives_with(options, &mut Signals::new()?).await
}

/// Lives; where the database is damaged meanwhile, again with a new one.
async fn lives_with(options: &LifeOptions, signals: &mut Signals) -> Result<Ended, LifeError> {
    let place = Place::new(options.root.as_deref(), options.state_dir.as_deref())?;
    let mut wait = OPEN_RETRY;
    loop {
        let identity = Identity::load(&place.state_dir)?;
        match Journal::open(&place.state_dir, random()) {
            Ok(opened) => {
                let life = Life::new(identity, opened, options, &place)?;
                if let Some(ended) = life.go_on(signals).await {
                    return Ok(ended);
                }
            }
            // A full disk, for instance.
            Err(error @ (StateError::File { .. } | StateError::Write { .. })) if options.until == Until::Stopped => {
                tracing::warn!("{error}; next attempt in {} s", wait.as_secs());
            }
            Err(error) => return Err(error.into()),
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => wait = (wait * 2).min(OPEN_RETRY_MAX),
            called = signals.next() => if called == Call::End {
                return Ok(Ended::default());
            },
        }
    }
}

/// A question on its way. It gives the line back.
type Asking = Pin<Box<dyn Future<Output = (Line, Result<Response, NetError>)>>>;

/// A question to be called, on its way.
type Awaiting = Pin<Box<dyn Future<Output = Result<Awaited, String>>>>;

struct Life {
    agent: Agent,
    identity: Identity,
    journal: Journal,
    place: Place,
    /// `None` while a question is on its way.
    line: Option<Line>,
    asking: Option<Asking>,
    /// A question to be called, on its way.
    awaiting: Option<Awaiting>,
    work: (UnboundedSender<Done>, UnboundedReceiver<Done>),
    interrupted: Arc<AtomicBool>,
    /// The run that waits for its secrets.
    waiting: Option<Sender<SecretAnswers>>,
    ended: Ended,
}

impl Life {
    fn new(
        identity: Identity,
        (journal, opened): (Journal, Opened),
        options: &LifeOptions,
        place: &Place,
    ) -> Result<Self, LifeError> {
        if let Some(notice) = &opened.notice {
            tracing::warn!("{notice}");
        }
        let stored = Stored {
            identity: identity.public_key(),
            root: identity.root,
            keyset: identity.signed_keyset.clone(),
            certificate: identity.certificate().to_vec(),
            highest: identity.highest.clone(),
            policy: opened.policy,
            reports: opened.reports,
            taken: opened.taken,
            orders: opened.orders,
            counters: opened.counters,
        };
        let options = Options {
            agent_version: env!("CARGO_PKG_VERSION").into(),
            machine: fingerprint(),
            life: random(),
            seed: random(),
            until: options.until,
        };
        let agent = Agent::new(stored, options, now())?;
        Ok(Self {
            agent,
            identity,
            journal,
            place: place.clone(),
            line: Some(Line::default()),
            asking: None,
            awaiting: None,
            work: unbounded_channel(),
            interrupted: Arc::default(),
            waiting: None,
            ended: Ended::default(),
        })
    }

    /// Does what the agent says, until it has finished. `None`: the database is damaged.
    async fn go_on(mut self, signals: &mut Signals) -> Option<Ended> {
        loop {
            let step = self.agent.poll(now());
            self.tell();
            match step {
                Step::Store(records) => match self.store(&records) {
                    Ok(()) => self.agent.handle_stored(now()),
                    Err(NotStored::NotNow(why)) => self.agent.handle_store_failed(&why, now()),
                    Err(NotStored::Damaged(why)) => {
                        tracing::warn!("{why}");
                        return None;
                    }
                },
                Step::Load => {
                    let policy = self.journal.policy().map_err(|e| e.to_string());
                    self.agent.handle_policy(policy, now());
                }
                Step::Run(order) => {
                    tracing::info!("run {} begins", order.seq);
                    start_run(order, self.place.clone(), self.interrupted.clone(), self.work.0.clone());
                }
                Step::Collect(wanted) => start_traits(wanted, self.place.clone(), self.work.0.clone()),
                Step::Ask(ask) => self.ask(ask),
                Step::Await => self.awaiting = self.line.as_ref().map(|line| Box::pin(line.wait()) as Awaiting),
                Step::Secrets(answers) => {
                    if let Some(run) = self.waiting.take() {
                        // A run that was interrupted does not wait any more.
                        let _ = run.send(answers);
                    }
                }
                Step::Disconnect => {
                    (self.asking, self.awaiting) = (None, None);
                    self.line.get_or_insert_default().disconnect().await;
                }
                Step::Wait(until) => self.wait(until, signals).await,
                Step::Finished => {
                    self.ended.in_touch = self.agent.is_in_touch();
                    return Some(self.ended);
                }
            }
        }
    }

    fn tell(&mut self) {
        for event in self.agent.take_events() {
            if event.is_warning() {
                tracing::warn!("{event}");
                self.ended.why = Some(event.to_string());
            } else {
                tracing::info!("{event}");
            }
        }
    }

    fn store(&mut self, records: &[Record]) -> Result<(), NotStored> {
        // The policy first: a serial that is believed lies beside the identity when its policy is on disk.
        self.journal.store(records).map_err(|error| match error {
            JournalError::Io(why) => NotStored::NotNow(why),
            damaged @ JournalError::Damaged { .. } => NotStored::Damaged(damaged.to_string()),
        })?;
        self.identity.store(records).map_err(|error| NotStored::NotNow(error.to_string()))
    }

    /// Sends a question on its way.
    fn ask(&mut self, ask: Ask) {
        let question = match ask {
            Ask::CheckIn(check_in) => Question::CheckIn(check_in),
            Ask::Traits(delta) => Question::Traits(delta),
            Ask::Order(result) => Question::Order(result),
            Ask::Report(seq) => match self.journal.report(seq) {
                Ok(bytes) => match bytes.and_then(|bytes| Report::decode(&bytes).ok()) {
                    Some(report) => Question::Report(report),
                    None => return self.agent.handle_unreadable(now()),
                },
                Err(error) => return self.agent.handle_failure(&error.to_string(), now()),
            },
            Ask::Secrets(asked) => Question::Secrets(asked),
            Ask::KeySet(own) => Question::KeySet(own),
            Ask::Enrol(enrol) => match signing_request(self.identity.certificate_key()) {
                Ok(csr) => {
                    let hostname = if enrol.hostname.is_empty() { system::hostname() } else { enrol.hostname };
                    Question::Enrol(Enrol { csr, hostname, ..enrol })
                }
                Err(error) => return self.agent.handle_failure(&error.to_string(), now()),
            },
            Ask::Renew(_) => match signing_request(self.identity.certificate_key()) {
                Ok(csr) => Question::Renew(RenewCertificate { csr }),
                Err(error) => return self.agent.handle_failure(&error.to_string(), now()),
            },
        };
        let mut line = self.line.take().unwrap_or_default();
        let credentials = Credentials::of(&self.identity, self.agent.server_time());
        self.asking = Some(Box::pin(async move {
            let answer = line.ask(&credentials, question).await;
            (line, answer)
        }));
    }

    /// Waits for whatever is first.
    async fn wait(&mut self, until: Option<Timestamp>, signals: &mut Signals) {
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
        tokio::select! {
            (line, answer) = asking => {
                (self.line, self.asking) = (Some(line), None);
                match answer {
                    Ok(response) => self.agent.handle_answer(response, now()),
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
            done = self.work.1.recv() => match done {
                Some(Done::Secrets { refs, answer }) => {
                    self.waiting = Some(answer);
                    self.agent.want_secrets(refs, now());
                }
                Some(Done::Run(result)) => self.ran(result),
                Some(Done::Traits(set)) => self.agent.handle_traits(&set, now()),
                None => {}
            },
            call = signals.next() => match call {
                Call::CheckIn => self.agent.check_in_now(),
                Call::End if self.interrupted.swap(true, Ordering::Relaxed) => {
                    tracing::warn!("ended by a second signal");
                    std::process::exit(1);
                }
                Call::End => {
                    tracing::info!("ends after the operation in hand");
                    self.agent.stop();
                }
            },
            () = tokio::time::sleep(left) => {}
        }
    }

    fn ran(&mut self, result: RunResult) {
        match &result.outcome {
            Ok(report) => {
                let c = report.counts;
                tracing::info!(
                    "run {} {}: {} ok, {} changed, {} failed, {} skipped, {} blocked",
                    result.seq,
                    word(report.outcome),
                    c.ok,
                    c.changed,
                    c.failed,
                    c.skipped,
                    c.blocked
                );
                self.ended.converged = Some(report.outcome == RunOutcome::Converged);
            }
            Err(why) => {
                tracing::warn!("run {} did not begin: {why}", result.seq);
                self.ended.converged = Some(false);
            }
        }
        self.agent.handle_run(result, now());
    }
}

/// Why records were not stored.
enum NotStored {
    NotNow(String),
    Damaged(String),
}

fn word(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Converged => "converged",
        RunOutcome::Drift => "found drift",
        RunOutcome::NotConverged => "did not converge",
    }
}

/// Returns a number from the operating system, for jitter and for telling databases and processes apart.
fn random() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_be_bytes(bytes),
        Err(_) => crate::apply::seed(),
    }
}
