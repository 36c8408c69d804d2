//! "Did you mean".

use crate::input::text;

/// Looks for the name nearest to the first line among the other lines.
///
/// What is found is one of the names, and a name that is the word itself is always found.
pub fn nearest(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut lines = text.lines();
    let word = lines.next().unwrap_or_default();
    let known: Vec<&str> = lines.take(64).collect();
    let found = vigo_core::diagnostic::nearest(word, known.iter().copied());
    assert!(found.is_none_or(|name| known.contains(&name)), "a name from nowhere: {found:?}");
    if known.contains(&word) {
        assert!(found.is_some(), "`{word}` is among the names");
    }
}
