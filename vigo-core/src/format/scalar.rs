//! How texts are quoted.

use alloc::borrow::Cow;
use alloc::string::String;

/// Returns a plain or quoted scalar as it is written: a plain one as it is; a quoted one in double quotes, or in single
/// ones where that spares escapes.
pub(super) fn normal(raw: &str) -> Cow<'_, str> {
    let Some(text) = unquoted(raw) else { return Cow::Borrowed(raw) };
    let escaped = text.contains(['"', '\\']);
    // What is not printed as it is stays as somebody wrote it.
    if text.chars().any(|c| c.is_control() || is_odd(c)) || (escaped && text.contains('\'')) {
        return Cow::Borrowed(raw);
    }
    let quote = if escaped { '\'' } else { '"' };
    if raw.starts_with(quote) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    out.push_str(&text);
    out.push(quote);
    Cow::Owned(out)
}

fn is_odd(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{85}' | '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}')
}

/// Returns the text in quotes that stand on one line, where its escapes are `''`, `\"` and `\\` alone.
fn unquoted(raw: &str) -> Option<String> {
    if raw.contains(['\n', '\r']) {
        return None;
    }
    if let Some(inner) = raw.strip_prefix('\'').and_then(|r| r.strip_suffix('\'')) {
        return Some(inner.replace("''", "'"));
    }
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next()? {
                escaped @ ('"' | '\\') => out.push(escaped),
                _ => return None,
            },
            (c, false) => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_double_unless_single_ones_spare_escapes() {
        let cases = [
            ("plain", "plain"),
            ("'a'", "\"a\""),
            ("\"a\"", "\"a\""),
            ("'it''s'", "\"it's\""),
            ("\"say \\\"x\\\"\"", "'say \"x\"'"),
            ("'\\d+'", "'\\d+'"),
            ("\"\\\\d+\"", "'\\d+'"),
            ("\"a\\nb\"", "\"a\\nb\""),
            ("\"it's \\\"x\\\"\"", "\"it's \\\"x\\\"\""),
            ("''", "\"\""),
            ("'a\nb'", "'a\nb'"),
            ("\"tab\\t\"", "\"tab\\t\""),
        ];
        for (raw, expected) in cases {
            assert_eq!(normal(raw), expected, "{raw}");
        }
    }
}
