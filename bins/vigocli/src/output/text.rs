//! Values of an answer as text.

use serde_json::Value;
use vigo_driver::shown;

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
