//! What takes long and is done on threads of its own: runs, and collecting traits.

use super::place::Place;
use crate::apply::{self, Job, Secrets, converge};
use crate::executor::{Executor, ExecutorOptions};
use crate::identity;
use crate::output::Progress;
use crate::traits;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use vigo_core::agent::{RunOrder, RunResult, SecretAnswers};
use vigo_core::bundle::TraitsWanted;
use vigo_core::converge::{Converge, Envoy, Proofs, RunReport};
use vigo_core::secret::Withheld;
use vigo_core::traits::TraitSet;

/// What came of it.
pub(super) enum Done {
    Run(RunResult),
    /// Not at all: it needs these secrets.
    Secrets {
        refs: Vec<Arc<str>>,
        answer: Sender<SecretAnswers>,
    },
    Traits(Box<TraitSet>),
}

/// How often a run that waits for its secrets looks whether it was interrupted.
const SLICE: Duration = Duration::from_millis(100);

/// Bytes of a thread's stack: what the main thread of a local run has.
const STACK_BYTES: usize = 8 << 20;

/// Converges on a thread.
pub(super) fn start_run(order: Arc<RunOrder>, place: Place, interrupted: Arc<AtomicBool>, done: UnboundedSender<Done>) {
    let (seq, started) = (order.seq, apply::now());
    let report = done.clone();
    let run = move || {
        let secrets = Secrets::from(|refs: Vec<Arc<str>>| ask(refs, &report, &interrupted));
        let ran = catch_unwind(AssertUnwindSafe(|| run(&order, &place, &secrets, &interrupted)));
        drop(secrets);
        let outcome = ran.unwrap_or_else(|panic| Err(format!("internal error: {}", said(&*panic))));
        // Nobody waits any more when the agent has ended.
        let _ = report.send(Done::Run(RunResult { seq, started, outcome }));
    };
    if let Err(error) = std::thread::Builder::new().name("run".into()).stack_size(STACK_BYTES).spawn(run) {
        let outcome = Err(format!("no thread could be started: {error}"));
        let _ = done.send(Done::Run(RunResult { seq, started, outcome }));
    }
}

/// Collects traits on a thread.
pub(super) fn start_traits(wanted: TraitsWanted, place: Place, done: UnboundedSender<Done>) {
    let send = done.clone();
    let collect = move || {
        let collected = catch_unwind(AssertUnwindSafe(|| {
            let mut executor = Executor::new(ExecutorOptions::new(place.root, &place.state_dir)).ok()?;
            Some(traits::collect(&wanted, &mut executor))
        }));
        let _ = send.send(Done::Traits(Box::new(collected.ok().flatten().unwrap_or_default())));
    };
    if std::thread::Builder::new().name("traits".into()).stack_size(STACK_BYTES).spawn(collect).is_err() {
        let _ = done.send(Done::Traits(Box::default()));
    }
}

/// Has the agent ask its server, and waits for what comes of it.
fn ask(refs: Vec<Arc<str>>, agent: &UnboundedSender<Done>, interrupted: &AtomicBool) -> SecretAnswers {
    let (answer, answers) = channel();
    let denied = |why: &str| refs.iter().map(|path| (path.clone(), Err(Withheld::Unreachable(why.into())))).collect();
    if agent.send(Done::Secrets { refs: refs.clone(), answer }).is_err() {
        return denied("the agent has ended");
    }
    loop {
        match answers.recv_timeout(SLICE) {
            Ok(answers) => return answers,
            Err(RecvTimeoutError::Disconnected) => return denied("the agent has ended"),
            Err(RecvTimeoutError::Timeout) if interrupted.load(Ordering::Relaxed) => {
                return denied("the run was interrupted");
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn run(
    order: &RunOrder,
    place: &Place,
    secrets: &Secrets<'_>,
    interrupted: &AtomicBool,
) -> Result<Arc<RunReport>, String> {
    let options = ExecutorOptions::new(place.root.clone(), &place.state_dir);
    let mut executor = Executor::new(options).map_err(|e| format!("the executor cannot start: {e}"))?;
    let assignment = &order.assignment;
    let job = Job {
        bundle: order.bundle.clone(),
        proofs: proofs(order, &place.state_dir),
        envoy: Envoy {
            hostname: assignment.hostname.as_str().into(),
            id: assignment.envoy_id.to_string().into(),
            environment: assignment.environment.as_str().into(),
        },
        observe: assignment.observe_only,
        only: Vec::new(),
        root: place.root.clone(),
        state_dir: place.state_dir.clone(),
    };
    let mut progress = Progress::none();
    let ran = converge(job, &mut executor, secrets, &mut progress, interrupted);
    ran.map(|(report, _)| report).map_err(|e| e.to_string())
}

/// Returns what the run keeps digests of secrets' work by; without them it goes on all the same.
fn proofs(order: &RunOrder, state_dir: &Path) -> Option<Proofs> {
    if !Converge::proves(&order.bundle) {
        return None;
    }
    match identity::proof_key(state_dir) {
        Ok(key) => Some(Proofs { key, secrets_epoch: order.secrets_epoch, kept: Vec::new() }),
        Err(error) => {
            tracing::warn!("what is made of secrets cannot be proved unchanged without a server: {error}");
            None
        }
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}
