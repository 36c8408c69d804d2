//! Go's quoted strings and characters (`strconv.Quote` and its kin).

use alloc::string::String;

use super::print::hex;

/// Returns whether Go prints `c` as it is (`strconv.IsPrint`): letters, marks, numbers, punctuation, symbols, the blank.
pub(super) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // `escape_debug` escapes a combining mark only at the start of a text.
    let mut text = [0; 5];
    text[0] = b'a';
    let len = c.encode_utf8(text.get_mut(1..).unwrap_or(&mut [])).len();
    let text = text.get(..=len).and_then(|t| core::str::from_utf8(t).ok()).unwrap_or("");
    text.escape_debug().nth(1) == Some(c)
}

/// Appends `c` as it stands inside quotes.
fn escaped(out: &mut String, c: char, quote: char, ascii: bool) {
    match c {
        _ if c == quote || c == '\\' => {
            out.push('\\');
            out.push(c);
        }
        _ if c.is_ascii() && is_print(c) || !ascii && is_print(c) => out.push(c),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        _ if c < ' ' || c == '\x7f' => {
            out.push_str("\\x");
            hex(out, u32::from(c), 2);
        }
        _ if u32::from(c) < 0x10000 => {
            out.push_str("\\u");
            hex(out, u32::from(c), 4);
        }
        _ => {
            out.push_str("\\U");
            hex(out, u32::from(c), 8);
        }
    }
}

/// Returns `text` as a Go string literal; `ascii`: with ASCII characters only.
pub(super) fn quote(text: &str, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    text.chars().for_each(|c| escaped(&mut out, c, '"', ascii));
    out.push('"');
    out
}

/// Returns `c` as a Go character literal.
pub(super) fn quote_char(c: char, ascii: bool) -> String {
    let mut out = String::from("'");
    escaped(&mut out, c, '\'', ascii);
    out.push('\'');
    out
}

/// Returns whether `text` may stand between backquotes.
pub(super) fn can_backquote(text: &str) -> bool {
    text.chars().all(|c| c == '\t' || !(c < ' ' || matches!(c, '`' | '\x7f' | '\u{feff}')))
}
