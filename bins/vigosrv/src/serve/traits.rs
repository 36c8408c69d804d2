//! The traits of envoys: whole once, then what changed of them.

use super::server::{Server, now};
use super::service::{Outcome, busy, invalid};
use crate::json::{core_value, json_value};
use crate::store::ChangedTrait;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use vigo_core::agent::traits_digest;
use vigo_core::id::EnvoyId;
use vigo_core::traits::{TraitSet, changes, is_lasting};
use vigo_core::value;
use vigo_core::wire::message::{TraitsDelta, TraitsTaken};

/// The areas of an envoy's traits, each as its JSON.
type Areas = BTreeMap<String, Box<RawValue>>;

impl Server {
    /// Lays a delta over what the store has, and stores that. Where it was made against another set than the store's, the
    /// answer names the store's: the agent then sends all.
    pub(super) async fn traits(&self, id: EnvoyId, delta: TraitsDelta) -> Outcome<TraitsTaken> {
        let mut areas = Areas::new();
        let known = self.store.traits(id).await.map_err(|error| busy(&error))?;
        let digest = known.as_ref().map_or([0; 32], |known| known.digest);
        let before: Option<Areas> = match known {
            Some(known) => Some(serde_json::from_str(&known.json).map_err(|error| busy(&error))?),
            None => None,
        };
        if !delta.base.is_empty() {
            let Some(before) = before.clone().filter(|_| *delta.base == digest) else {
                return Ok(TraitsTaken { digest: digest.to_vec() });
            };
            areas = before;
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
        // Of the first set all is new, and nothing has changed.
        let changes = before.map(|before| changed(&before, &areas)).unwrap_or_default();
        self.store.set_traits(id, digest, json, changes, now()).await.map_err(|error| busy(&error))?;
        if let Some(envoy) = self.fleet_mut().get_mut(id) {
            envoy.traits_digest = digest;
        }
        Ok(TraitsTaken { digest: digest.to_vec() })
    }
}

/// Bytes of a value that is kept of what a trait was; of a longer one the beginning is.
const VALUE_BYTES_MAX: usize = 2000;

/// Changes that are kept of one delta.
const CHANGES_MAX: usize = 2000;

/// Returns what is other, as it is kept.
fn changed(before: &Areas, after: &Areas) -> Vec<ChangedTrait> {
    let differs = |name: &str| match (before.get(name), after.get(name)) {
        (Some(before), Some(after)) => before.get() != after.get(),
        (one, other) => one.is_some() || other.is_some(),
    };
    let tree = |areas: &Areas| {
        let areas = areas.iter().filter(|(name, _)| is_lasting(name) && differs(name));
        let value = |json: &RawValue| serde_json::from_str(json.get()).map(core_value).unwrap_or_default();
        let root = value::Value::map(areas.map(|(name, json)| (name.clone(), value(json))));
        TraitSet::from_value(root).unwrap_or_default()
    };
    let kept = |value: Option<value::Value>| value.map(|value| kept(&json_value(&value)));
    let changes = changes(&tree(before), &tree(after)).into_iter().take(CHANGES_MAX);
    changes.map(|c| ChangedTrait { path: c.path, before: kept(c.before), after: kept(c.after) }).collect()
}

fn kept(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= VALUE_BYTES_MAX {
        return text;
    }
    let end = text.floor_char_boundary(VALUE_BYTES_MAX);
    Value::String(format!("{}…", text.get(..end).unwrap_or_default())).to_string()
}

/// Bytes of an envoy's traits: as many as one request brings.
const TRAITS_BYTES_MAX: usize = vigo_core::limits::REQUEST_BYTES_MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_change_is_json_and_not_long() {
        let areas = |entries: &[(&str, &str)]| -> Areas {
            let area = |(name, json): &(&str, &str)| ((*name).into(), RawValue::from_string((*json).into()).unwrap());
            entries.iter().map(area).collect()
        };
        let long = format!("{{\"a\":\"{}\"}}", "ä".repeat(5000));
        let before = areas(&[("os", r#"{"version":"12"}"#), ("uptime", "1"), ("gone", "[1,2.5,true]"), ("same", "[]")]);
        let after = areas(&[("os", r#"{"version":null}"#), ("uptime", "2"), ("custom", &long), ("same", "[]")]);
        let changes = changed(&before, &after);
        let paths: Vec<_> = changes.iter().map(|c| &*c.path).collect();
        assert_eq!(paths, ["custom", "gone", "os.version"]);
        assert_eq!((&changes[0].before, changes[1].before.as_deref()), (&None, Some("[1,2.5,true]")));
        assert_eq!(changes[2].after.as_deref(), Some("null"), "it could not be read");
        let kept: String = serde_json::from_str(changes[0].after.as_deref().unwrap()).unwrap();
        assert!(kept.len() < VALUE_BYTES_MAX + 10 && kept.ends_with("ä…"), "{} bytes", kept.len());
    }
}
