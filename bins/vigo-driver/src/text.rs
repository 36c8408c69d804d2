//! Text for terminals.

use std::borrow::Cow;

/// Returns a text with its control characters escaped, line feeds too, and changes of direction: what comes from a
/// machine does not command a terminal.
pub fn shown(text: &str) -> Cow<'_, str> {
    let is_command =
        |c: char| c.is_control() && c != '\t' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
    if text.bytes().all(is_plain) || !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_command(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_commands_a_terminal() {
        for (text, expected) in [
            ("a\tb ü", "a\tb ü"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("one\r\ntwo\u{9b}31m\u{202e}", "one\\r\\ntwo\\u{9b}31m\\u{202e}"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }
}
