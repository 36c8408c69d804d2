//! Written values on one line.

use crate::source::{Node, NodeKind, ScalarStyle};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Returns a value as YAML on one line, which means the same wherever it is put.
pub(super) fn flow(node: Node<'_>) -> String {
    match node.kind() {
        NodeKind::Scalar(_, _) if node.is_null() => "null".into(),
        NodeKind::Scalar(text, ScalarStyle::Plain) if is_plain(text) => text.into(),
        NodeKind::Scalar(text, _) => quoted(text),
        NodeKind::List => {
            let items: Vec<String> = node.list().into_iter().flatten().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        NodeKind::Map(map) => {
            let entry = |e: crate::source::Entry<'_>| format!("{}: {}", flow(e.key), flow(e.value));
            let entries: Vec<String> = map.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Returns a name as a key or an item.
pub(super) fn word(text: &str) -> String {
    if is_plain(text) && !text.is_empty() { text.into() } else { quoted(text) }
}

/// Returns whether a plain scalar stays what it is inside `{}` and `[]`.
fn is_plain(text: &str) -> bool {
    !text.contains(['\n', ',', '[', ']', '{', '}', '#', '"', '\'', '&', '*', '!', '|', '>', '%', '@', '`'])
        && !text.contains(": ")
        && !text.ends_with(':')
        && !text.starts_with("- ")
        && text != "-"
        && !text.starts_with(['?', ' '])
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
