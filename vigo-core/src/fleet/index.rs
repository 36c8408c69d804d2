//! All envoys, by id and by name.

use super::{ClassOf, Envoy};
use crate::id::EnvoyId;
use crate::time::Timestamp;
use alloc::sync::Arc;
use hashbrown::HashMap;
use thiserror::Error;

/// The envoys that a server knows.
///
/// # Invariants
/// No two envoys that are not revoked have one name.
#[derive(Clone, Debug, Default)]
pub struct FleetIndex {
    envoys: HashMap<EnvoyId, Envoy>,
    names: HashMap<Arc<str>, EnvoyId>,
}

/// An envoy of that name is there.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("`{hostname}` is the name of envoy {holder}")]
pub struct NameTaken {
    /// The name.
    pub hostname: Arc<str>,
    /// Who has it.
    pub holder: EnvoyId,
}

impl FleetIndex {
    /// Adds an envoy, or puts it in the place of the one with its id.
    ///
    /// # Errors
    /// [`NameTaken`]: nothing is changed.
    pub fn insert(&mut self, envoy: Envoy) -> Result<(), NameTaken> {
        if !envoy.revoked
            && let Some(holder) = self.names.get(&envoy.hostname).filter(|holder| **holder != envoy.id)
        {
            return Err(NameTaken { hostname: envoy.hostname, holder: *holder });
        }
        self.forget_name(envoy.id);
        if !envoy.revoked {
            self.names.insert(envoy.hostname.clone(), envoy.id);
        }
        self.envoys.insert(envoy.id, envoy);
        Ok(())
    }

    /// Returns an envoy.
    pub fn get(&self, id: EnvoyId) -> Option<&Envoy> {
        self.envoys.get(&id)
    }

    /// Forgets the orders that were given up to `until`: they are void.
    pub fn void_orders(&mut self, until: Timestamp) {
        for envoy in self.envoys.values_mut() {
            envoy.orders.retain(|order| order.issued_at > until);
        }
    }

    /// Returns an envoy, for what a check-in or a report changes about it: not its name, and not whether it is revoked.
    pub fn get_mut(&mut self, id: EnvoyId) -> Option<&mut Envoy> {
        self.envoys.get_mut(&id)
    }

    /// Returns who has a name.
    pub fn named(&self, hostname: &str) -> Option<&Envoy> {
        self.envoys.get(self.names.get(hostname)?)
    }

    /// Gives an envoy another name, of the class `class`; false when there is none that could have one.
    ///
    /// # Errors
    /// [`NameTaken`]: nothing is changed.
    pub fn rename(&mut self, id: EnvoyId, hostname: Arc<str>, class: ClassOf) -> Result<bool, NameTaken> {
        let Some(envoy) = self.envoys.get(&id).filter(|envoy| !envoy.revoked) else { return Ok(false) };
        self.insert(Envoy { hostname, class, ..envoy.clone() })?;
        Ok(true)
    }

    /// Throws an envoy out; its name is free, its id never is.
    pub fn revoke(&mut self, id: EnvoyId) -> bool {
        self.forget_name(id);
        self.envoys.get_mut(&id).is_some_and(|envoy| !core::mem::replace(&mut envoy.revoked, true))
    }

    /// Looks the classes of all envoys up again, after a publish. There is something for those whose class is not the same
    /// as before.
    pub fn classify(&mut self, class_of: impl Fn(&str) -> ClassOf, is_same: impl Fn(ClassOf, ClassOf) -> bool) {
        for envoy in self.envoys.values_mut() {
            let class = class_of(&envoy.hostname);
            envoy.called |= !is_same(envoy.class, class);
            envoy.class = class;
        }
    }

    /// Returns all envoys, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Envoy> {
        self.envoys.values()
    }

    fn forget_name(&mut self, id: EnvoyId) {
        if let Some(envoy) = self.envoys.get(&id)
            && self.names.get(&envoy.hostname) == Some(&id)
        {
            self.names.remove(&envoy.hostname);
        }
    }
}
