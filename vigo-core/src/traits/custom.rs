//! Custom traits: what a file of the machine's owner says.

use crate::diagnostic::Diagnostic;
use crate::limits::CUSTOM_TRAIT_LEVELS_MAX;
use crate::source::{Node, NodeKind, ScalarStyle, Sources, Tree};
use crate::value::Value;
use alloc::format;
use alloc::string::String;

/// Checks what one file or program says: a map of few levels, whose keys can be steps of a path.
///
/// # Errors
/// A fragment that says what was expected.
pub fn check_custom(value: &Value) -> Result<(), String> {
    if value.as_map().is_none() {
        return Err(format!("expected a map, found a {}", value.kind()));
    }
    let mut open = alloc::vec![(value, 1)];
    while let Some((value, level)) = open.pop() {
        if level > CUSTOM_TRAIT_LEVELS_MAX && matches!(value, Value::Map(_) | Value::List(_)) {
            return Err(format!("expected at most {CUSTOM_TRAIT_LEVELS_MAX} levels"));
        }
        match value {
            Value::Map(map) => {
                if let Some(key) = map.keys().find(|key| !is_custom_key(key)) {
                    let shown: String = key.chars().take(80).flat_map(char::escape_debug).collect();
                    return Err(format!("expected keys of letters, digits, `_` and `-`, found `{shown}`"));
                }
                open.extend(map.values().map(|v| (v, level + 1)));
            }
            Value::List(items) => open.extend(items.iter().map(|v| (v, level + 1))),
            _ => {}
        }
    }
    Ok(())
}

/// Returns whether a text may be a key of a custom trait.
pub fn is_custom_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

/// Reads one document of YAML.
///
/// # Errors
/// A fragment with the line.
pub fn custom_yaml(text: &str) -> Result<Value, String> {
    let sources = Sources::read(&Tree::from_texts([("traits.vgo", text)]));
    if let Some(first) = sources.diagnostics().first() {
        return Err(told(&sources, first));
    }
    let Some(file) = sources.policy_files().next() else { return Err("it could not be read".into()) };
    let mut documents = file.documents();
    match (documents.next(), documents.next()) {
        (Some(document), None) => Ok(value(document)),
        (None, _) => Ok(Value::Null),
        (Some(_), Some(second)) => Err(format!("line {}: expected one document", second.line())),
    }
}

fn told(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let span = diagnostic.span();
    let line = sources.map().position(span.file, span.start).line;
    format!("line {line}: {}", diagnostic.message)
}

/// The parser bounds the depth that this recurses to.
fn value(node: Node<'_>) -> Value {
    match node.kind() {
        NodeKind::Scalar(text, ScalarStyle::Plain) => scalar(text),
        NodeKind::Scalar(text, _) => Value::text(text),
        NodeKind::List => Value::list(node.list().into_iter().flatten().map(value)),
        NodeKind::Map(map) => Value::map(map.iter().map(|entry| (entry.name, value(entry.value)))),
    }
}

/// The core schema of YAML 1.2, 10.3.2, without octal and hexadecimal numbers.
fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.trim_start_matches(['+', '-']);
    // Leading zeros are telephone numbers and file modes, not numbers.
    let is_plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && !(digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0."));
    if is_plain {
        if let Ok(number) = text.parse() {
            return Value::Int(number);
        }
        if let Some(number) = text.parse().ok().filter(|n: &f64| n.is_finite()) {
            return Value::Float(number);
        }
    }
    Value::text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_have_their_types() {
        let text = "a: 1\nb: 1.5\nc: true\nd: ~\ne: '1'\nf: 0644\ng: 1.2.3\nh: [x, -3]\ni: 1e400\nj: 0.5\n";
        let seen = custom_yaml(text).unwrap();
        let cases = [
            ("a", Value::Int(1)),
            ("b", Value::Float(1.5)),
            ("c", Value::Bool(true)),
            ("d", Value::Null),
            ("e", "1".into()),
            ("f", "0644".into()),
            ("g", "1.2.3".into()),
            ("h", Value::list(["x".into(), Value::Int(-3)])),
            ("i", "1e400".into()),
            ("j", Value::Float(0.5)),
        ];
        for (key, expected) in cases {
            assert_eq!(seen.at(key), Some(&expected), "{key}");
        }
    }

    #[test]
    fn an_error_names_its_line() {
        let error = custom_yaml("a: 1\nb: [1\n").unwrap_err();
        assert!(error.starts_with("line "), "{error}");
        let error = custom_yaml("a: 1\na: 2\n").unwrap_err();
        assert!(error.starts_with("line 2") || error.starts_with("line 1"), "{error}");
    }
}
