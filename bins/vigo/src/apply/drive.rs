//! Driving Converge: performing what it asks for, until it is done.

use super::local;
use super::secrets::Secrets;
use crate::executor::Executor;
use crate::output::Progress;
use crate::state::State;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use vigo_core::converge::{Converge, RunReport, Step};
use vigo_core::secret::SecretValue;
use vigo_core::time::Timestamp;

/// How often a wait looks whether it was interrupted.
const SLICE: Duration = Duration::from_millis(50);

/// Drives a run to its end. A panic inside one resource fails that resource; `interrupted` ends the run after the
/// operation in hand.
pub(super) fn drive(
    converge: &mut Converge,
    executor: &mut Executor,
    state: &mut State,
    secrets: &Secrets<'_>,
    progress: &mut Progress,
    interrupted: &AtomicBool,
) -> Arc<RunReport> {
    // The machine's clock may be set while it is converged, even by what it is converged to: deadlines are not.
    let (begun, start) = (local::now(), Instant::now());
    let now = || after(begun, start.elapsed());
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| tracing::debug!("panic: {info}")));
    let report = loop {
        if interrupted.load(Ordering::Relaxed) {
            converge.cancel();
        }
        match catch_unwind(AssertUnwindSafe(|| converge.poll(now()))) {
            Err(panic) => converge.abandon(&said(&*panic)),
            Ok(Step::Run(ops)) => {
                if let Some(id) = converge.current_id() {
                    progress.at(&id, converge.progress());
                }
                for (_, op) in &ops {
                    tracing::debug!("{}", converge.shown(op));
                }
                executor.perform_all(ops, |id, output| converge.handle_output(id, output, now()));
            }
            Ok(Step::Store(records)) => match state.store(&records) {
                Ok(()) => converge.handle_stored(),
                Err(error) => {
                    if converge.current_id().is_none() {
                        tracing::warn!("{error}");
                    }
                    converge.handle_store_failed(&error.to_string());
                }
            },
            Ok(Step::Resolve(paths)) => {
                let answers = secrets.get(paths).into_iter();
                converge
                    .handle_secrets(answers.map(|(path, value)| (path, value.map(SecretValue::into_string))).collect());
            }
            Ok(Step::WaitUntil { at, why }) => {
                progress.waiting(&why);
                while now() < at && !interrupted.load(Ordering::Relaxed) {
                    let left = Duration::from_millis(at.since(now()).as_ms());
                    std::thread::sleep(left.min(SLICE));
                }
                converge.handle_timeout(now());
            }
            // The executor answers at once, so nothing can be outstanding.
            Ok(Step::Waiting) => converge.abandon("it waits for an answer that nobody owes"),
            Ok(Step::Done(report)) => break report,
        }
    };
    if let Err(error) = executor.sync() {
        tracing::warn!("what was changed may not be on disk: {error}");
    }
    std::panic::set_hook(hook);
    progress.end();
    report
}

fn after(begun: Timestamp, elapsed: Duration) -> Timestamp {
    begun + vigo_core::time::Duration::from_ms(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
}
