//! Values of the core as JSON has them, and back.

use serde_json::Value;
use vigo_core::value;

/// Returns what JSON says, as the core has it.
pub fn core_value(value: Value) -> value::Value {
    match value {
        Value::Null => value::Value::Null,
        Value::Bool(yes) => yes.into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) => value::Value::Float(float),
            (None, None) => value::Value::Null,
        },
        Value::String(text) => text.into(),
        Value::Array(items) => value::Value::list(items.into_iter().map(core_value)),
        Value::Object(entries) => value::Value::map(entries.into_iter().map(|(key, value)| (key, core_value(value)))),
    }
}

/// Returns a value of the core as JSON.
pub fn json_value(value: &value::Value) -> Value {
    match value {
        value::Value::Null => Value::Null,
        value::Value::Bool(yes) => (*yes).into(),
        value::Value::Int(number) => (*number).into(),
        value::Value::Float(number) => (*number).into(),
        value::Value::Text(text) => text.as_str().into(),
        value::Value::List(items) => items.iter().map(json_value).collect(),
        value::Value::Map(map) => map.iter().map(|(key, value)| (key.to_string(), json_value(value))).collect(),
    }
}
