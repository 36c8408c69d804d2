//! Writes data as YAML in block style, so that any YAML 1.1 or 1.2 reader reads the same data back.

use super::super::fuel::{Failure, Out};
use super::super::print::scalar;
use super::encoding::{json_text, number};
use crate::limits::TEMPLATE_VALUE_DEPTH_MAX;
use crate::value::Value;

/// Writes `value` without a newline at the end.
pub(super) fn write(out: &mut Out, value: &Value) -> Result<(), Failure> {
    node(out, value, 0, 0)
}

/// Writes `value` where the cursor stands; further lines are indented by `indent`.
fn node(out: &mut Out, value: &Value, indent: usize, depth: usize) -> Result<(), Failure> {
    match value {
        Value::List(_) | Value::Map(_) if depth >= TEMPLATE_VALUE_DEPTH_MAX => return Err(Failure::depth()),
        _ if out.is_full() => {}
        Value::Null => out.str("null"),
        Value::Float(f) => number(out, *f)?,
        Value::Bool(_) | Value::Int(_) => scalar(out, value),
        Value::Text(text) => string(out, text.as_str(), indent),
        Value::List(items) if items.is_empty() => out.str("[]"),
        Value::Map(map) if map.is_empty() => out.str("{}"),
        Value::List(items) => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    line(out, indent);
                }
                out.str("- ");
                node(out, item, indent + 2, depth + 1)?;
            }
        }
        Value::Map(map) => {
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    line(out, indent);
                }
                inline(out, key);
                out.char(':');
                match item {
                    // As Helm writes it: the items of a list are not indented below its key.
                    Value::List(items) if !items.is_empty() => {
                        line(out, indent);
                        node(out, item, indent, depth + 1)?;
                    }
                    Value::Map(inner) if !inner.is_empty() => {
                        line(out, indent + 2);
                        node(out, item, indent + 2, depth + 1)?;
                    }
                    _ => {
                        out.char(' ');
                        node(out, item, indent + 2, depth + 1)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn line(out: &mut Out, indent: usize) {
    out.char('\n');
    out.repeat(" ", indent);
}

/// Writes a text: as a literal block if it has several lines and nothing that such a block cannot hold.
fn string(out: &mut Out, text: &str, indent: usize) {
    let first = text.lines().find(|l| !l.is_empty()).unwrap_or("");
    let block = text.contains('\n')
        && !first.is_empty()
        && !text.starts_with(['\n', ' ', '\t'])
        && !text.ends_with("\n\n")
        && text.chars().all(|c| c == '\n' || is_plain_char(c));
    if !block {
        return inline(out, text);
    }
    // The last newline is the block's own: `|` keeps it, `|-` has none.
    let body = text.strip_suffix('\n');
    out.str(if body.is_some() { "|" } else { "|-" });
    let indent = indent.max(2);
    for part in body.unwrap_or(text).split('\n') {
        if part.is_empty() {
            out.char('\n');
        } else {
            line(out, indent);
            out.str(part);
        }
    }
}

fn is_plain_char(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Writes a text on one line: as it is if it is read back as the same text, else in quotes.
fn inline(out: &mut Out, text: &str) {
    if is_plain(text) {
        out.str(text);
    } else if text.chars().all(is_plain_char) {
        out.char('\'');
        out.str(&text.replace('\'', "''"));
        out.char('\'');
    } else {
        json_text(out, text);
    }
}

/// Whether `text` is itself as a plain scalar.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    // What a reader may take for a number, a date, a time, a boolean or a null is quoted: none of these starts otherwise.
    let typed = first.is_ascii_digit() || matches!(first, '+' | '.' | '~' | '=' | '<');
    let indicator = matches!(
        first,
        '-' | '?'
            | ':'
            | ','
            | '['
            | ']'
            | '{'
            | '}'
            | '#'
            | '&'
            | '*'
            | '!'
            | '|'
            | '>'
            | '\''
            | '"'
            | '%'
            | '@'
            | '`'
    );
    let word =
        ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].iter().any(|w| text.eq_ignore_ascii_case(w));
    !typed
        && !indicator
        && !word
        && text.trim() == text
        && text.chars().all(is_plain_char)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with(':')
}
