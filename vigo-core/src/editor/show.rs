//! Values and texts, short enough to be shown beside a name.

use crate::secret;
use crate::value::Value;
use alloc::format;
use alloc::string::String;

/// Characters of a value that are shown.
const SHOWN_MAX: usize = 80;

/// Returns the beginning of a text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.into(),
    }
}

/// Returns a value on one line, secrets not shown.
pub(super) fn shown(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    shortened(&secret::shown(&out))
}

fn write(out: &mut String, value: &Value, level: usize) {
    // What is cut off need not be written.
    if out.len() > 8 * SHOWN_MAX {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) => out.push_str(&format!("{n}")),
        Value::Float(n) => out.push_str(&format!("{n}")),
        Value::Text(text) if level == 0 => out.push_str(&text.as_str().replace('\n', "⏎")),
        Value::Text(text) => out.push_str(&format!("\"{}\"", text.as_str().replace('\n', "⏎"))),
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write(out, item, level + 1);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (i, (key, value)) in map.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                out.push_str(key);
                out.push_str(": ");
                write(out, value, level + 1);
            }
            out.push('}');
        }
    }
}
