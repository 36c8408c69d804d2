//! What is written by and by: it may be lost with the power, and agents say it again.

use super::envoy::{set_seen, set_status};
use super::{Seen, Status, Store, StoreError};
use rusqlite::Connection;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use vigo_core::id::EnvoyId;

/// What a check-in told of an envoy.
#[derive(Clone, PartialEq, Debug)]
pub struct Touch {
    /// The contact itself.
    pub seen: Seen,
    /// The newest quiet run, where there was one since.
    pub status: Option<Status>,
}

/// The touches since the last flush: one for each envoy, the newest.
#[derive(Debug, Default)]
pub(super) struct Dirty(Mutex<HashMap<EnvoyId, Touch>>);

impl Store {
    /// Lays down what a check-in told, to be written within ten seconds. Never waits for the disk.
    pub fn touch(&self, id: EnvoyId, touch: Touch) {
        self.dirty().lay(id, touch);
    }
}

impl Dirty {
    fn lay(&self, id: EnvoyId, mut touch: Touch) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.entry(id) {
            Entry::Occupied(mut entry) => {
                touch.status = touch.status.or_else(|| entry.get_mut().status.take());
                entry.insert(touch);
            }
            Entry::Vacant(entry) => _ = entry.insert(touch),
        }
    }

    /// Takes all.
    pub(super) fn take(&self) -> HashMap<EnvoyId, Touch> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be written; what came since is newer.
    pub(super) fn put_back(&self, touches: HashMap<EnvoyId, Touch>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, touch) in touches {
            let newer = all.entry(id).or_insert_with(|| touch.clone());
            newer.status = newer.status.take().or(touch.status);
        }
    }
}

/// Writes touches, inside a transaction. Those of envoys that are gone fall away.
pub(super) fn flush(conn: &Connection, touches: &HashMap<EnvoyId, Touch>) -> Result<(), StoreError> {
    for (id, touch) in touches {
        set_seen(conn, *id, &touch.seen)?;
        if let Some(status) = &touch.status {
            set_status(conn, *id, status)?;
        }
    }
    Ok(())
}
