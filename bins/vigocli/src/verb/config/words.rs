//! Numbers and names in a sentence.

use crate::output::shown;
use serde_json::Value;

/// Returns the names of a list, and how many there are besides.
pub(super) fn names(list: &Value, many: u64) -> String {
    let names: Vec<_> = list.as_array().into_iter().flatten().filter_map(Value::as_str).map(shown).collect();
    let more = many.saturating_sub(names.len() as u64);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", names.join(", "))
}

/// Returns a number with its word.
pub(super) fn plural(number: Option<u64>, one: &str, many: &str) -> String {
    match number {
        Some(1) => format!("1 {one}"),
        other => format!("{} {many}", other.unwrap_or_default()),
    }
}
