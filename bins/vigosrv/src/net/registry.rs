//! The connections that are open.

use super::{Limits, Transport};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;
use vigo_core::id::EnvoyId;

/// The connections that are open: who makes room for whom.
pub(super) struct Registry {
    limits: Limits,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    last: u64,
    tasks: BTreeMap<u64, Task>,
    /// Those that have not shown who they are, the oldest first, of each transport.
    strangers: [BTreeSet<u64>; 2],
    envoys: HashMap<EnvoyId, BTreeSet<u64>>,
}

struct Task {
    abort: AbortHandle,
    transport: Transport,
    envoy: Option<EnvoyId>,
}

/// One connection's place, until it is dropped.
pub(super) struct Place {
    registry: Arc<Registry>,
    id: u64,
}

impl Registry {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default() })
    }

    /// Runs a connection from its handshake to its end. Where there are too many in their handshake, the oldest of them
    /// ends: honest ones are through within a moment.
    pub(super) fn spawn<F>(self: &Arc<Self>, transport: Transport, connection: impl FnOnce(Place) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut open = self.open();
        open.last += 1;
        let id = open.last;
        // A task that ends at once waits for the lock to give up its place.
        let task = tokio::spawn(connection(Place { registry: Arc::clone(self), id }));
        open.tasks.insert(id, Task { abort: task.abort_handle(), transport, envoy: None });
        let strangers = &mut open.strangers[transport as usize];
        strangers.insert(id);
        let oldest = if strangers.len() > self.limits.handshakes_max { strangers.pop_first() } else { None };
        open.abort(oldest);
    }

    /// Returns how many have not shown who they are.
    pub(super) fn strangers(&self, transport: Transport) -> usize {
        self.open().strangers[transport as usize].len()
    }

    /// Ends the connections of an envoy.
    pub(super) fn close_envoy(&self, envoy_id: EnvoyId) {
        let open = self.open();
        open.abort(open.envoys.get(&envoy_id).into_iter().flatten().copied());
    }

    /// Ends all connections.
    pub(super) fn close_all(&self) {
        let open = self.open();
        open.abort(open.tasks.keys().copied());
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Ends tasks. Each gives up its place when it is dropped, on a thread of its own.
    fn abort(&self, ids: impl IntoIterator<Item = u64>) {
        for task in ids.into_iter().filter_map(|id| self.tasks.get(&id)) {
            task.abort.abort();
        }
    }
}

impl Place {
    /// The other side has shown that it is this envoy. Where the envoy has too many connections, its oldest ends.
    pub(super) fn is_of(&self, envoy_id: EnvoyId) {
        let mut open = self.registry.open();
        let open = &mut *open;
        let Some(task) = open.tasks.get_mut(&self.id) else { return };
        task.envoy = Some(envoy_id);
        open.strangers[task.transport as usize].remove(&self.id);
        let own = open.envoys.entry(envoy_id).or_default();
        own.insert(self.id);
        let too_many = own.len() > self.registry.limits.connections_per_envoy_max;
        let oldest = if too_many { own.pop_first() } else { None };
        open.abort(oldest);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.registry.open();
        let Some(task) = open.tasks.remove(&self.id) else { return };
        open.strangers[task.transport as usize].remove(&self.id);
        if let Some(envoy) = task.envoy
            && let Some(own) = open.envoys.get_mut(&envoy)
        {
            own.remove(&self.id);
            if own.is_empty() {
                open.envoys.remove(&envoy);
            }
        }
    }
}
