//! A set of traits, and the three answers it gives.

use crate::limits::TRAIT_LEVELS_MAX;
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is known of a machine, as a tree of maps.
#[derive(Clone, PartialEq, Debug)]
pub struct TraitSet {
    root: Value,
}

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Lookup<'a> {
    /// It is there.
    Present(&'a Value),
    /// It was looked for and could not be read: it, or what it is part of, is `null`.
    Null,
    /// This machine does not have it.
    Omitted,
}

/// A tree that is no set of traits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TraitError {
    /// Traits are a map.
    #[error("expected a map of traits, found a {0}")]
    NoMap(&'static str),
    /// Too many maps and lists in each other.
    #[error("expected at most {TRAIT_LEVELS_MAX} levels of maps and lists")]
    TooDeep,
}

impl TraitSet {
    /// Returns a set that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the set that a tree of maps is.
    ///
    /// # Errors
    /// When it is no map, or nests too deep.
    pub fn from_value(root: Value) -> Result<Self, TraitError> {
        if root.as_map().is_none() {
            return Err(TraitError::NoMap(root.kind()));
        }
        if is_deeper(&root, TRAIT_LEVELS_MAX) {
            return Err(TraitError::TooDeep);
        }
        Ok(Self { root })
    }

    /// Returns the whole tree: `.Traits` of a template.
    pub fn value(&self) -> &Value {
        &self.root
    }

    /// Puts what a collector returned in the place of what there was; `null` says that it could not be read.
    ///
    /// # Errors
    /// When it nests too deep.
    pub fn insert(&mut self, area: &str, value: Value) -> Result<(), TraitError> {
        if is_deeper(&value, TRAIT_LEVELS_MAX - 1) {
            return Err(TraitError::TooDeep);
        }
        self.change(|areas| _ = areas.insert(area.into(), value));
        Ok(())
    }

    /// Takes out what a collector had returned.
    pub fn remove(&mut self, area: &str) {
        self.change(|areas| _ = areas.remove(area));
    }

    /// Returns what stands at a dotted path. A number indexes a list; a key of a map may have dots in it, and the
    /// shorter key goes first.
    pub fn get(&self, path: &str) -> Lookup<'_> {
        // Each entry: a value, and the rest of the path below it.
        let mut open = alloc::vec![(&self.root, Some(path))];
        let mut found = Lookup::Omitted;
        while let Some((value, rest)) = open.pop() {
            let Some(rest) = rest else {
                match value {
                    Value::Null => found = Lookup::Null,
                    present => return Lookup::Present(present),
                }
                continue;
            };
            match value {
                Value::Null => found = Lookup::Null,
                Value::List(items) => {
                    let (step, rest) = split(rest);
                    open.extend(step.parse::<usize>().ok().and_then(|i| items.get(i)).map(|v| (v, rest)));
                }
                Value::Map(entries) => {
                    let ends = rest.match_indices('.').map(|(i, _)| i).chain([rest.len()]);
                    let below: Vec<_> =
                        ends.filter_map(|end| Some((entries.get(rest.get(..end)?)?, rest.get(end + 1..)))).collect();
                    open.extend(below.into_iter().rev());
                }
                _ => {}
            }
        }
        found
    }

    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<Arc<str>, Value>)) {
        if let Value::Map(areas) = &mut self.root {
            change(Arc::make_mut(areas));
        }
    }
}

impl Default for TraitSet {
    fn default() -> Self {
        Self { root: Value::Map(Arc::default()) }
    }
}

fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(step, rest)| (step, Some(rest)))
}

/// Returns whether more than `levels` maps and lists stand in each other.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let mut open = alloc::vec![(value, 0)];
    while let Some((value, level)) = open.pop() {
        if level > levels {
            return true;
        }
        match value {
            Value::Map(entries) => open.extend(entries.values().map(|v| (v, level + 1))),
            Value::List(items) => open.extend(items.iter().map(|v| (v, level + 1))),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_omitted_differ_at_every_level() {
        let map = |entries: Vec<(&'static str, Value)>| Value::map(entries);
        let set = TraitSet::from_value(map(alloc::vec![
            ("os", map(alloc::vec![("family", "debian".into()), ("build", Value::Null)])),
            ("ports", map(alloc::vec![("listening", Value::Null)])),
            ("selinux", Value::Null),
            ("network", map(alloc::vec![("ip_addresses", Value::list(["10.0.0.1".into(), Value::Null]))])),
            ("packages", map(alloc::vec![("python3", "a".into()), ("python3.11", "b".into())])),
            ("a", map(alloc::vec![("b", map(alloc::vec![])), ("b.c", Value::Int(1))])),
        ]))
        .unwrap();
        let (debian, ip, b, one) = ("debian".into(), "10.0.0.1".into(), "b".into(), Value::Int(1));
        let cases = [
            ("present", "os.family", Lookup::Present(&debian)),
            ("null", "os.build", Lookup::Null),
            ("omitted", "os.codename", Lookup::Omitted),
            ("omitted area", "hypervisor.libvirt", Lookup::Omitted),
            ("below null", "selinux.enabled", Lookup::Null),
            ("below a null list", "ports.listening.0", Lookup::Null),
            ("index", "network.ip_addresses.0", Lookup::Present(&ip)),
            ("null item", "network.ip_addresses.1", Lookup::Null),
            ("index out of range", "network.ip_addresses.2", Lookup::Omitted),
            ("no index", "network.ip_addresses.x", Lookup::Omitted),
            ("key with a dot", "packages.python3.11", Lookup::Present(&b)),
            ("key with a dot behind a shorter one", "a.b.c", Lookup::Present(&one)),
            ("below a scalar", "os.family.x", Lookup::Omitted),
            ("empty", "", Lookup::Omitted),
        ];
        for (name, path, expected) in cases {
            assert_eq!(set.get(path), expected, "{name}");
        }
    }

    #[test]
    fn a_deep_tree_is_refused() {
        let mut deep = Value::Int(1);
        for _ in 0..TRAIT_LEVELS_MAX {
            deep = Value::map([("x", deep)]);
        }
        assert!(TraitSet::from_value(deep.clone()).is_ok());
        assert_eq!(TraitSet::new().insert("custom", deep.clone()), Err(TraitError::TooDeep));
        assert_eq!(TraitSet::from_value(Value::list([deep.clone()])), Err(TraitError::NoMap("list")));
        assert_eq!(TraitSet::from_value(Value::map([("x", deep)])), Err(TraitError::TooDeep));
    }
}
