//! The connections that are held, and how an envoy is called over its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use vigo_core::id::EnvoyId;
use vigo_core::server::come_back;
use vigo_core::wire::message::Awaited;

/// Envoys that are called at once after a publish, and the pause until the next are: a thousand a second, so that they
/// do not fetch it together.
const CALLED_TOGETHER: usize = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// The connections that are held: one for each envoy.
#[derive(Default)]
pub(super) struct Held(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    last: u64,
    envoys: HashMap<EnvoyId, (u64, oneshot::Sender<Awaited>)>,
    /// So many were told to come back later: the server ends.
    ended: Option<usize>,
}

/// A question of one envoy that waits for its answer, until it is dropped.
pub(super) struct Question {
    held: Arc<Held>,
    id: EnvoyId,
    number: u64,
    pub(super) answer: oneshot::Receiver<Awaited>,
}

impl Held {
    /// Takes the question of an envoy. One that it asked before, over a connection that it has lost, is let go.
    pub(super) fn ask(self: &Arc<Self>, id: EnvoyId) -> Result<Question, Awaited> {
        let mut waiting = self.waiting();
        if let Some(count) = &mut waiting.ended {
            *count += 1;
            return Err(later(*count));
        }
        waiting.last += 1;
        let (number, (call, answer)) = (waiting.last, oneshot::channel());
        waiting.envoys.insert(id, (number, call));
        Ok(Question { held: Arc::clone(self), id, number, answer })
    }

    /// Returns how many others than this envoy are held.
    pub(super) fn others(&self, id: EnvoyId) -> usize {
        let waiting = self.waiting();
        waiting.envoys.len() - usize::from(waiting.envoys.contains_key(&id))
    }

    /// Returns who is held.
    pub(super) fn all(&self) -> Vec<EnvoyId> {
        self.waiting().envoys.keys().copied().collect()
    }

    /// Has an envoy check in, if its connection is held; returns whether it is.
    pub(super) fn call(&self, id: EnvoyId) -> bool {
        let waiting = self.waiting().envoys.remove(&id);
        let awaited = Awaited { check_in: true, hold: true, come_back_in_ms: 0 };
        // Whose connection is gone checks in by itself.
        waiting.is_some_and(|(_, call)| call.send(awaited).is_ok())
    }

    /// Has envoys check in, not all at the same time.
    pub(super) async fn call_by_and_by(self: Arc<Self>, ids: Vec<EnvoyId>) {
        for some in ids.chunks(CALLED_TOGETHER) {
            some.iter().for_each(|id| _ = self.call(*id));
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Lets all go, each to come back at another time, and holds nobody any more: the server ends.
    pub(super) fn end(&self) {
        let mut waiting = self.waiting();
        let envoys = std::mem::take(&mut waiting.envoys);
        waiting.ended = Some(envoys.len());
        drop(waiting);
        for (nth, (_, call)) in envoys.into_values().enumerate() {
            // Whose connection is gone comes back by itself.
            let _ = call.send(later(nth));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let mut waiting = self.held.waiting();
        if waiting.envoys.get(&self.id).is_some_and(|(number, _)| *number == self.number) {
            waiting.envoys.remove(&self.id);
        }
    }
}

fn later(nth: usize) -> Awaited {
    Awaited { check_in: false, hold: false, come_back_in_ms: come_back(nth).as_ms() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: EnvoyId = EnvoyId([1; 16]);
    const B: EnvoyId = EnvoyId([2; 16]);

    #[tokio::test]
    async fn each_is_called_once_over_the_connection_it_has_now() {
        let held = Arc::new(Held::default());
        let mut lost = held.ask(A).unwrap_or_else(|_| panic!("it is held"));
        let mut current = held.ask(A).unwrap_or_else(|_| panic!("it is held"));
        assert!(lost.answer.try_recv().is_err(), "the one before is let go");
        drop(lost);
        assert!(held.all() == [A] && held.others(A) == 0 && held.others(B) == 1);
        assert_eq!([held.call(B), held.call(A), held.call(A)], [false, true, false]);
        let called = current.answer.try_recv().unwrap();
        assert!(called.check_in && called.hold);
        assert!(held.all().is_empty());
        let again = held.ask(A);
        assert_eq!(held.all(), [A]);
        drop(again);
        assert!(held.all().is_empty(), "its connection ended");
    }

    #[tokio::test]
    async fn a_server_that_ends_lets_all_go_to_come_back_apart() {
        let held = Arc::new(Held::default());
        let mut questions: Vec<_> =
            (0..50).map(|n| held.ask(EnvoyId([n; 16])).unwrap_or_else(|_| panic!("it is held"))).collect();
        held.end();
        let mut times: Vec<u64> =
            questions.iter_mut().map(|q| q.answer.try_recv().unwrap()).map(|a| a.come_back_in_ms).collect();
        let late = held.ask(A).err().unwrap();
        assert!(!late.hold);
        times.push(late.come_back_in_ms);
        times.sort_unstable();
        times.dedup();
        assert_eq!(times.len(), 51, "no two at the same time: {times:?}");
    }
}
