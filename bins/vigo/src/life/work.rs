//! What takes long and is done on threads of its own: runs, and collecting traits.

use super::place::Place;
use crate::apply::{self, Job, Secrets, converge};
use crate::executor::{Executor, ExecutorOptions};
use crate::output::Progress;
use crate::traits;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::mpsc::UnboundedSender;
use vigo_core::agent::{RunOrder, RunResult};
use vigo_core::bundle::TraitsWanted;
use vigo_core::converge::{Envoy, RunReport};
use vigo_core::traits::TraitSet;

/// What came of it.
pub(super) enum Done {
    Run(RunResult),
    Traits(Box<TraitSet>),
}

/// Bytes of a thread's stack: what the main thread of a local run has.
const STACK_BYTES: usize = 8 << 20;

/// Converges on a thread.
pub(super) fn start_run(order: Arc<RunOrder>, place: Place, interrupted: Arc<AtomicBool>, done: UnboundedSender<Done>) {
    let (seq, started) = (order.seq, apply::now());
    let report = done.clone();
    let run = move || {
        let ran = catch_unwind(AssertUnwindSafe(|| run(&order, &place, &interrupted)));
        let outcome = ran.unwrap_or_else(|panic| Err(format!("internal error: {}", said(&*panic))));
        // Nobody waits any more when the agent has ended.
        let _ = report.send(Done::Run(RunResult { seq, started, outcome }));
    };
    if let Err(error) = std::thread::Builder::new().name("run".into()).stack_size(STACK_BYTES).spawn(run) {
        let outcome = Err(format!("no thread could be started: {error}"));
        let _ = done.send(Done::Run(RunResult { seq, started, outcome }));
    }
}

/// Collects all traits on a thread.
pub(super) fn start_traits(place: Place, done: UnboundedSender<Done>) {
    let send = done.clone();
    let collect = move || {
        let collected = catch_unwind(AssertUnwindSafe(|| {
            let mut executor = Executor::new(ExecutorOptions::new(place.root, &place.state_dir)).ok()?;
            Some(traits::collect(&TraitsWanted::All, &mut executor))
        }));
        let _ = send.send(Done::Traits(Box::new(collected.ok().flatten().unwrap_or_default())));
    };
    if std::thread::Builder::new().name("traits".into()).stack_size(STACK_BYTES).spawn(collect).is_err() {
        let _ = done.send(Done::Traits(Box::default()));
    }
}

fn run(order: &RunOrder, place: &Place, interrupted: &AtomicBool) -> Result<Arc<RunReport>, String> {
    let options = ExecutorOptions::new(place.root.clone(), &place.state_dir);
    let mut executor = Executor::new(options).map_err(|e| format!("the executor cannot start: {e}"))?;
    let assignment = &order.assignment;
    let job = Job {
        bundle: order.bundle.clone(),
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
    let secrets = Secrets::absent("this agent gets no secrets from its server yet");
    let mut progress = Progress::none();
    let ran = converge(job, &mut executor, &secrets, &mut progress, interrupted);
    ran.map(|(report, _)| report).map_err(|e| e.to_string())
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}
