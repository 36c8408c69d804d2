//! Values of an answer as text.

use serde_json::Value;
use std::borrow::Cow;

/// Returns a text with its control characters escaped, line feeds too: what comes from a machine does not command a
/// terminal.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let is_command =
        |c: char| c.is_control() && c != '\t' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_command(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Returns what lies in `value` at `path`, names with dots between them, for people. Nothing there is an empty text.
pub(crate) fn cell(value: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(value, |value, name| value.get(name));
    match found {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => shown(text).into_owned(),
        Some(Value::Bool(true)) => "yes".into(),
        Some(Value::Bool(false)) => "no".into(),
        Some(other) => shown(&other.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_machine_says_does_not_command_a_terminal() {
        let value = serde_json::json!({ "a": { "b": "\u{1b}[2Jx\ny\u{202e}" }, "c": null, "d": [1], "e": true });
        for (path, expected) in
            [("a.b", "\\u{1b}[2Jx\\ny\\u{202e}"), ("c", ""), ("c.x", ""), ("d", "[1]"), ("e", "yes"), ("none", "")]
        {
            assert_eq!(cell(&value, path), expected, "{path}");
        }
    }
}
