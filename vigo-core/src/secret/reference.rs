//! `secret:<path>` in a written text.

use crate::limits;
use alloc::vec::Vec;

/// A reference to a secret, as it stands in a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference<'a> {
    /// First byte of `secret:`.
    pub start: usize,
    /// Behind the last byte of the path.
    pub end: usize,
    /// The path.
    pub path: &'a str,
}

const WORD: &str = "secret:";

/// Returns the references in `text`, in order.
///
/// A reference starts where no letter, digit or `_` precedes it. Its path is `[A-Za-z0-9_][A-Za-z0-9_./-]*`; `.`, `/`
/// and `-` at the end belong to the text. A path of more than [`limits::SECRET_PATH_BYTES_MAX`] bytes is text.
pub fn find(text: &str) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(WORD)) {
        let start = from + at;
        let path_start = start + WORD.len();
        from = path_start;
        let before = text.get(..start).and_then(|s| s.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = text.get(path_start..).unwrap_or_default();
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !rest.bytes().next().is_some_and(word) {
            continue;
        }
        let len = rest.bytes().take_while(|&b| word(b) || matches!(b, b'.' | b'/' | b'-')).count();
        let path = rest.get(..len).unwrap_or_default().trim_end_matches(['.', '/', '-']);
        if path.len() > limits::SECRET_PATH_BYTES_MAX {
            continue;
        }
        let end = path_start + path.len();
        found.push(Reference { start, end, path });
        from = end;
    }
    found
}

/// Returns whether `text` is the path of a secret: one that a reference can name.
pub fn is_path(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= limits::SECRET_PATH_BYTES_MAX
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'/' | b'-'))
        && !text.ends_with(['.', '/', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_begin_and_end_where_the_language_says() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("whole value", "secret:vigo/db/dsn", &["vigo/db/dsn"]),
            ("inside a string", "user=a password=secret:db/pw;", &["db/pw"]),
            ("end of a sentence", "see secret:a/b. And secret:c-/-", &["a/b", "c"]),
            ("a letter before", "mysecret:a x_secret:b 9secret:c ésecret:d", &[]),
            ("a sign before", "(secret:a)\"secret:b\"-secret:c", &["a", "b", "c"]),
            ("no path", "secret: secret:/a secret:-x secret:.", &[]),
            ("literal by template", "secret{{ \":\" }}x", &[]),
            ("one inside another", "secret:secret:a", &["secret"]),
            ("blank ends it", "secret:a b", &["a"]),
        ];
        for (name, text, paths) in cases {
            let found: Vec<&str> = find(text).iter().map(|r| r.path).collect();
            assert_eq!(&found[..], *paths, "{name}");
        }
    }

    #[test]
    fn a_path_is_what_a_reference_finds() {
        let long = "x".repeat(limits::SECRET_PATH_BYTES_MAX + 1);
        for text in ["db/pw", "a", "_x.y-z/1", "", "/a", "-a", "a/", "a.", "a b", "ü", "a:b", "..", long.as_str()] {
            let written = alloc::format!("secret:{text}");
            let found = find(&written);
            let whole = found.iter().any(|r| r.path == text && r.end == written.len());
            assert_eq!(is_path(text), whole, "{text}");
        }
    }
}
