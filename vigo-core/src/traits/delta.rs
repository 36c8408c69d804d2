//! What changed between two sets of traits: what travels when a machine is known already.

use super::set::{TraitError, TraitSet};
use crate::limits::TRAIT_LEVELS_MAX;
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The steps that lead from one set to another. A path is a list of keys, because a key may have dots in it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TraitDelta {
    /// What is new or other. Lists travel whole, maps by their entries.
    pub set: Vec<(Vec<Arc<str>>, Value)>,
    /// What is gone.
    pub removed: Vec<Vec<Arc<str>>>,
}

/// A delta that does not fit a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DeltaError {
    /// A path leads through something that is no map, or names nothing.
    #[error("the delta was made against another set of traits")]
    OtherBase,
    /// What came out is no set of traits.
    #[error(transparent)]
    Traits(#[from] TraitError),
}

impl TraitDelta {
    /// Returns what leads from `old` to `new`, in the order of the keys.
    pub fn between(old: &TraitSet, new: &TraitSet) -> Self {
        let mut delta = Self::default();
        if let (Value::Map(old), Value::Map(new)) = (old.value(), new.value()) {
            delta.maps(old, new, &mut Vec::new());
        }
        delta
    }

    /// Returns whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    /// Returns `base` with these changes.
    ///
    /// # Errors
    /// When a path does not fit `base` or the outcome is no set of traits; the sender then sends everything.
    pub fn apply(&self, base: &TraitSet) -> Result<TraitSet, DeltaError> {
        let mut root = base.value().clone();
        for path in &self.removed {
            change(&mut root, path, |entries, key| entries.remove(key).map(|_| ()))?;
        }
        for (path, value) in &self.set {
            change(&mut root, path, |entries, key| {
                entries.insert(key.clone(), value.clone());
                Some(())
            })?;
        }
        Ok(TraitSet::from_value(root)?)
    }

    fn maps(
        &mut self,
        old: &Arc<BTreeMap<Arc<str>, Value>>,
        new: &Arc<BTreeMap<Arc<str>, Value>>,
        path: &mut Vec<Arc<str>>,
    ) {
        if Arc::ptr_eq(old, new) {
            return;
        }
        for key in old.keys().filter(|key| !new.contains_key(*key)) {
            path.push(key.clone());
            self.removed.push(path.clone());
            path.pop();
        }
        for (key, after) in new.iter() {
            path.push(key.clone());
            match (old.get(key), after) {
                (Some(Value::Map(before)), Value::Map(after)) => self.maps(before, after, path),
                (Some(before), after) if before == after => {}
                _ => self.set.push((path.clone(), after.clone())),
            }
            path.pop();
        }
    }
}

fn change(
    root: &mut Value,
    path: &[Arc<str>],
    change: impl FnOnce(&mut BTreeMap<Arc<str>, Value>, &Arc<str>) -> Option<()>,
) -> Result<(), DeltaError> {
    let (last, above) = path.split_last().ok_or(DeltaError::OtherBase)?;
    if above.len() >= TRAIT_LEVELS_MAX {
        return Err(TraitError::TooDeep.into());
    }
    let mut value = root;
    for step in above {
        let Value::Map(entries) = value else { return Err(DeltaError::OtherBase) };
        value = Arc::make_mut(entries).get_mut(step).ok_or(DeltaError::OtherBase)?;
    }
    let Value::Map(entries) = value else { return Err(DeltaError::OtherBase) };
    change(Arc::make_mut(entries), last).ok_or(DeltaError::OtherBase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (0..3_i64).prop_map(Value::Int),
            "[a-c.]{0,3}".prop_map(|s: String| s.into()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c.]{1,2}", inner, 0..4)
                    .prop_map(|m| Value::map(m.into_iter().collect::<Vec<(String, Value)>>())),
            ]
        })
    }

    fn set() -> impl Strategy<Value = TraitSet> {
        prop::collection::btree_map("[a-c]", value(), 0..4)
            .prop_map(|m| TraitSet::from_value(Value::map(m.into_iter().collect::<Vec<(String, Value)>>())).unwrap())
    }

    proptest! {
        #[test]
        fn a_delta_leads_from_the_old_set_to_the_new_one(old in set(), new in set()) {
            let delta = TraitDelta::between(&old, &new);
            prop_assert_eq!(delta.is_empty(), old == new);
            prop_assert_eq!(delta.apply(&old), Ok(new));
        }

        #[test]
        fn any_delta_on_any_set_is_an_error_or_a_set(a in set(), b in set(), c in set()) {
            if let Ok(out) = TraitDelta::between(&a, &b).apply(&c) {
                prop_assert!(out.value().as_map().is_some());
            }
        }
    }

    #[test]
    fn only_what_changed_travels() {
        let old = TraitSet::from_value(Value::map([
            ("os", Value::map([("family", Value::from("debian")), ("version", "12".into())])),
            ("dmi", Value::Null),
        ]))
        .unwrap();
        let new = TraitSet::from_value(Value::map([(
            "os",
            Value::map([("family", Value::from("debian")), ("version", "13".into())]),
        )]))
        .unwrap();
        let delta = TraitDelta::between(&old, &new);
        assert_eq!(delta.set, [(alloc::vec!["os".into(), "version".into()], Value::from("13"))]);
        assert_eq!(delta.removed, [alloc::vec![Arc::from("dmi")]]);
        assert_eq!(delta.apply(&new), Err(DeltaError::OtherBase));
    }
}
