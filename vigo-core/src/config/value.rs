//! Nodes to values: a variable's value is typed by how it is written.

use super::reader::{Reader, is_bare};
use crate::diagnostic::{Code, Diagnostic};
use crate::secret;
use crate::source::{Node, NodeKind};
use crate::value::Value;
use alloc::format;
use alloc::sync::Arc;

/// Returns the value at `node`, with secrets as markers; doubts are reported to `reader`.
///
/// A bare scalar is a boolean, null, or a number when printing that gives the same text back; else it is text.
pub(crate) fn value(reader: &mut Reader, node: Node<'_>) -> Value {
    match node.kind() {
        NodeKind::Map(map) => Value::map(map.iter().map(|e| {
            if secret::mark(e.name).is_some() {
                let d =
                    Diagnostic::new(Code::SecretMisplaced, e.key.span(), "a secret cannot stand in the name of a key");
                reader.report(d.help("let the secret be the value"));
            }
            (Arc::from(e.name), value(reader, e.value))
        })),
        NodeKind::List => {
            let items = node.list().into_iter().flatten();
            Value::list(items.map(|item| value(reader, item)).collect::<alloc::vec::Vec<_>>())
        }
        NodeKind::Scalar(..) if node.is_null() => Value::Null,
        NodeKind::Scalar(text, style) => {
            if is_bare(style) {
                if let Some(value) = typed(text) {
                    return value;
                }
                doubt(reader, node, text);
            }
            if text.contains("{{") {
                let at = text.find("{{").unwrap_or(0);
                reader.report(
                    Diagnostic::new(
                        Code::NotRendered,
                        node.part(at, 2),
                        "a template in the value of a variable is not rendered",
                    )
                    .help("write the template where the variable is used"),
                );
            }
            match secret::mark(text) {
                Some(marked) => Value::from(marked),
                None => Value::text(text),
            }
        }
    }
}

/// Returns the boolean or number that a bare text is.
pub(super) fn typed(text: &str) -> Option<Value> {
    let first = text.bytes().next()?;
    match first {
        b't' | b'T' if text.eq_ignore_ascii_case("true") => return Some(Value::Bool(true)),
        b'f' | b'F' if text.eq_ignore_ascii_case("false") => return Some(Value::Bool(false)),
        b'0'..=b'9' | b'-' => {}
        _ => return None,
    }
    if let Ok(n) = text.parse::<i64>() {
        return (format!("{n}") == text).then_some(Value::Int(n));
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') && text.contains('.');
    let x = text.parse::<f64>().ok().filter(|_| plain)?;
    // Outside these bounds a template prints an exponent, so the text would not come back.
    let size = if x < 0.0 { -x } else { x };
    let prints_plain = x == 0.0 || (1e-4..1e21).contains(&size);
    (prints_plain && format!("{x}") == text).then_some(Value::Float(x))
}

/// Warns where YAML 1.2 reads a number, or 1.1 a boolean, and we keep the text.
fn doubt(reader: &mut Reader, node: Node<'_>, text: &str) {
    let lower = text.to_ascii_lowercase();
    let message = if matches!(&*lower, "yes" | "no" | "on" | "off") {
        format!("`{text}` is text here, not a boolean")
    } else if is_yaml_number(&lower) {
        format!("`{text}` stays text, because a number would print differently")
    } else {
        return;
    };
    let help = match &*lower {
        "yes" | "on" => "write `true`, or quote it if it is text".into(),
        "no" | "off" => "write `false`, or quote it if it is text".into(),
        _ => format!("quote it: `\"{text}\"`"),
    };
    reader.report(Diagnostic::new(Code::StaysText, node.span(), message).help(help));
}

/// Returns whether the core schema of YAML 1.2 reads a number; `text` is in lower case.
fn is_yaml_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf") || text == ".nan" {
        return true;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    let (mantissa, exponent) = match unsigned.split_once('e') {
        Some((m, e)) => (m, Some(e.strip_prefix(['-', '+']).unwrap_or(e))),
        None => (unsigned, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa && exponent.is_none_or(|e| !e.is_empty() && digits(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_scalar_is_a_number_only_when_it_prints_back() {
        let cases: &[(&str, Option<Value>)] = &[
            ("8080", Some(Value::Int(8080))),
            ("-1", Some(Value::Int(-1))),
            ("0", Some(Value::Int(0))),
            ("1.5", Some(Value::Float(1.5))),
            ("-0.25", Some(Value::Float(-0.25))),
            ("TRUE", Some(Value::Bool(true))),
            ("False", Some(Value::Bool(false))),
            ("0644", None),
            ("1.10", None),
            ("1.0", None),
            ("1e3", None),
            ("0x1f", None),
            ("0.00001", None),
            ("-0", None),
            ("+1", None),
            ("1_000", None),
            ("2026-01-01", None),
            ("1.2.3", None),
            ("yes", None),
            ("99999999999999999999999", None),
            ("", None),
            ("nan", None),
            ("inf", None),
        ];
        for (text, expected) in cases {
            assert_eq!(&typed(text), expected, "{text}");
        }
    }

    #[test]
    fn yaml_numbers_are_known() {
        for text in ["0644", "1.10", "1e3", "0x1f", "0o17", ".5", "5.", "+1", "-.inf", ".nan", "1.5e-3"] {
            assert!(is_yaml_number(text), "{text}");
        }
        for text in ["2026-01-01", "1.2.3", "", ".", "e3", "1e", "0x", "0o8", "1_000", "v1"] {
            assert!(!is_yaml_number(text), "{text}");
        }
    }
}
