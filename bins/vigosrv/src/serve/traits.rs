//! The traits of envoys: whole once, then what changed of them.

use super::server::{Server, now};
use super::service::{Outcome, busy, invalid};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use vigo_core::agent::traits_digest;
use vigo_core::id::EnvoyId;
use vigo_core::wire::message::{TraitsDelta, TraitsTaken};

/// The areas of an envoy's traits, each as its JSON.
type Areas = BTreeMap<String, Box<RawValue>>;

impl Server {
    /// Lays a delta over what the store has, and stores that. Where it was made against another set than the store's, the
    /// answer names the store's: the agent then sends all.
    pub(super) async fn traits(&self, id: EnvoyId, delta: TraitsDelta) -> Outcome<TraitsTaken> {
        let mut areas = Areas::new();
        if !delta.base.is_empty() {
            let known = self.store.traits(id).await.map_err(|error| busy(&error))?;
            let digest = known.as_ref().map_or([0; 32], |known| known.digest);
            let Some(known) = known.filter(|_| *delta.base == digest) else {
                return Ok(TraitsTaken { digest: digest.to_vec() });
            };
            areas = serde_json::from_str(&known.json).map_err(|error| busy(&error))?;
        }
        for path in &delta.removed {
            areas.remove(path);
        }
        for set in delta.set {
            let json = RawValue::from_string(set.json).map_err(|error| invalid(&error.to_string()))?;
            areas.insert(set.path, json);
        }
        let digest = traits_digest(areas.iter().map(|(path, json)| (&**path, json.get())));
        let json = serde_json::to_string(&areas).map_err(|error| invalid(&error.to_string()))?;
        if json.len() > TRAITS_BYTES_MAX {
            return Err(invalid("the traits are larger than this server keeps"));
        }
        self.store.set_traits(id, digest, json, now()).await.map_err(|error| busy(&error))?;
        if let Some(envoy) = self.fleet_mut().get_mut(id) {
            envoy.traits_digest = digest;
        }
        Ok(TraitsTaken { digest: digest.to_vec() })
    }
}

/// Bytes of an envoy's traits: as many as one request brings.
const TRAITS_BYTES_MAX: usize = vigo_core::limits::REQUEST_BYTES_MAX;
