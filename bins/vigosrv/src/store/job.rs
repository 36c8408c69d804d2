//! A command in the writer's queue.

use super::StoreError;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A command: done inside the transaction, answered after it.
pub(super) trait Job: Send {
    /// Does it, inside a savepoint. False: it failed, and what it did is to be taken back.
    fn perform(&mut self, conn: &Connection) -> bool;

    /// Answers: with what came of it where the commit went well, with the commit's error where not.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A command that somebody waits for.
pub(super) struct Pending<T, W> {
    work: Option<W>,
    outcome: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
    /// Its share of what may wait in the queue.
    _permit: OwnedSemaphorePermit,
}

impl<T, W> Pending<T, W> {
    pub(super) fn new(work: W, answer: oneshot::Sender<Result<T, StoreError>>, permit: OwnedSemaphorePermit) -> Self {
        Self { work: Some(work), outcome: None, answer, _permit: permit }
    }
}

impl<T: Send, W: FnOnce(&Connection) -> Result<T, StoreError> + Send> Job for Pending<T, W> {
    fn perform(&mut self, conn: &Connection) -> bool {
        if let Some(work) = self.work.take() {
            self.outcome = Some(work(conn));
        }
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let outcome = match (committed, self.outcome) {
            // Its own error says more than that of the commit.
            (_, Some(Err(own))) => Err(own),
            (Err(commit), _) => Err(commit),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => Err(StoreError::Closed),
        };
        // Whoever asked may be gone; what was committed stands.
        let _ = self.answer.send(outcome);
    }
}
