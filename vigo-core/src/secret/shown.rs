//! Values as people may see them.

use super::shown;
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Returns a value on one line, texts as they are, secrets as `«secret path»`.
pub fn shown_value(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(yes) => yes.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => match text.secret_path() {
            Some(path) => format!("«secret {path}»"),
            None => shown(text.as_str()),
        },
        Value::List(items) => listed(items.iter().map(shown_value)),
        Value::Map(entries) => mapped(entries.iter().map(|(key, value)| (&**key, shown_value(value)))),
    }
}

/// Returns items as a list on one line.
pub(crate) fn listed(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// Returns entries as a map on one line.
pub(crate) fn mapped<'a>(entries: impl Iterator<Item = (&'a str, String)>) -> String {
    format!("{{{}}}", entries.map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", "))
}
