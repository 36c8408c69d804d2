//! The bound of an area: what is over it is cut, and says so.

use crate::limits::TRAIT_AREA_BYTES_MAX;
use crate::value::Value;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Cuts the end off the largest lists and maps until the area is within its bound, and marks it `truncated: true`.
///
/// Values are trees of few levels, which collectors make: it recurses.
pub fn bounded(value: Value) -> Value {
    let size = size(&value);
    if size <= TRAIT_AREA_BYTES_MAX {
        return value;
    }
    let mut left = TRAIT_AREA_BYTES_MAX;
    match cut(&value, &mut left) {
        Value::Map(map) => {
            let mut map = Arc::unwrap_or_clone(map);
            map.insert("truncated".into(), Value::Bool(true));
            Value::Map(Arc::new(map))
        }
        other => other,
    }
}

/// Keeps scalars, then what fits of the rest in order: the small fields of an area survive its large ones.
fn cut(value: &Value, left: &mut usize) -> Value {
    match value {
        Value::Map(map) => {
            let mut kept: BTreeMap<Arc<str>, Value> = BTreeMap::new();
            let mut by_size: Vec<_> =
                map.iter().map(|(key, value)| (key.len() + 4 + size(value), key, value)).collect();
            by_size.sort_unstable_by_key(|(size, key, _)| if *size < 1024 { (0, *key) } else { (*size, *key) });
            for (size, key, value) in by_size {
                if size <= *left {
                    *left -= size;
                    kept.insert(key.clone(), value.clone());
                } else if matches!(value, Value::Map(_) | Value::List(_)) && key.len() + 6 < *left {
                    *left -= key.len() + 6;
                    kept.insert(key.clone(), cut(value, left));
                }
            }
            Value::Map(Arc::new(kept))
        }
        Value::List(items) => {
            let fits = |item: &&Value| match left.checked_sub(size(item)) {
                Some(rest) => {
                    *left = rest;
                    true
                }
                None => false,
            };
            Value::list(items.iter().take_while(fits).cloned())
        }
        other => other.clone(),
    }
}

fn size(value: &Value) -> usize {
    let mut total = 0;
    let mut open = alloc::vec![value];
    while let Some(value) = open.pop() {
        total += match value {
            Value::Text(text) => text.as_str().len() + 2,
            Value::List(items) => {
                open.extend(items.iter());
                2
            }
            Value::Map(map) => {
                open.extend(map.values());
                2 + map.keys().map(|key| key.len() + 4).sum::<usize>()
            }
            _ => 8,
        };
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn what_is_within_the_bound_is_left_alone() {
        let value = Value::map([("a", Value::list([Value::text("x".repeat(1000))]))]);
        assert_eq!(bounded(value.clone()), value);
    }

    #[test]
    fn the_large_part_is_cut_and_the_small_ones_stay() {
        let large = Value::map((0..20_000).map(|n| (format!("package-{n:05}"), Value::text("1.0-1"))));
        let area = Value::map([("count", Value::Int(20_000)), ("installed", large), ("manager", "apt".into())]);
        let seen = bounded(area);
        assert!(size(&seen) <= TRAIT_AREA_BYTES_MAX + 32, "{}", size(&seen));
        assert_eq!(seen.at("count"), Some(&Value::Int(20_000)));
        assert_eq!(seen.at("truncated"), Some(&Value::Bool(true)));
        let kept = seen.at("installed").and_then(Value::as_map).unwrap().len();
        assert!((5_000..20_000).contains(&kept), "{kept}");
        let list = bounded(Value::list((0..100_000).map(Value::Int)));
        assert!(list.as_list().unwrap().len() < 100_000);
    }
}
