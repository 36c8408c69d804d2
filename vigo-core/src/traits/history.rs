//! What becomes of traits in the course of time.

use super::declared::{Period, areas};
use super::delta::TraitDelta;
use super::set::TraitSet;
use crate::value::Value;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A trait that is another than before.
#[derive(Clone, PartialEq, Debug)]
pub struct TraitChange {
    /// Where it stands, dotted.
    pub path: String,
    /// What it was; none where there was none.
    pub before: Option<Value>,
    /// What it is; none where there is none any more.
    pub after: Option<Value>,
}

/// Returns what is other in `new` than in `old`, in the order of the paths, as far as it is [worth keeping](is_lasting).
pub fn changes(old: &TraitSet, new: &TraitSet) -> Vec<TraitChange> {
    let TraitDelta { set, removed } = TraitDelta::between(old, new);
    let set = set.into_iter().map(|(path, after)| (path, Some(after)));
    let all = set.chain(removed.into_iter().map(|path| (path, None)));
    let lasting = all.filter(|(path, _)| path.first().is_some_and(|area| is_lasting(area)));
    let change = |(path, after): (Vec<Arc<str>>, _)| TraitChange {
        before: path.iter().try_fold(old.value(), |value, key| value.as_map()?.get(key)).cloned(),
        after,
        path: path.join("."),
    };
    let mut changes: Vec<TraitChange> = lasting.map(change).collect();
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

/// Returns whether changes of an area say something: what a machine measures anew at each run is always another.
pub fn is_lasting(area: &str) -> bool {
    areas().iter().find(|known| known.name == area).is_none_or(|known| known.period != Period::Volatile)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_and_is_another_is_told_with_what_it_was() {
        let set = |version: &str, uptime: i64, extra: Option<&str>| {
            let os = [("family", Value::from("debian")), ("version", version.into())];
            let mut areas = alloc::vec![("os", Value::map(os)), ("uptime", Value::map([("seconds", uptime.into())]))];
            areas.extend(extra.map(|text| ("custom", Value::map([("rack.row", Value::from(text))]))));
            TraitSet::from_value(Value::map(areas)).expect("it is a map")
        };
        let change = |path: &str, before: Option<Value>, after: Option<Value>| {
            let path = path.into();
            TraitChange { path, before, after }
        };
        let rack = || Some(Value::map([("rack.row", Value::from("4"))]));
        let cases = [
            ("nothing", set("12", 5, None), set("12", 6, None), Vec::new()),
            (
                "one, and a new area",
                set("12", 5, None),
                set("13", 5, Some("4")),
                alloc::vec![change("custom", None, rack()), change("os.version", Some("12".into()), Some("13".into())),],
            ),
            ("one is gone", set("12", 5, Some("4")), set("12", 5, None), alloc::vec![change("custom", rack(), None)]),
            (
                "a key with a dot",
                set("12", 5, Some("4")),
                set("12", 5, Some("5")),
                alloc::vec![change("custom.rack.row", Some("4".into()), Some("5".into()))],
            ),
        ];
        for (name, old, new, expected) in cases {
            assert_eq!(changes(&old, &new), expected, "{name}");
        }
    }
}
