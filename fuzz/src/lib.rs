//! The bodies of the fuzz targets.
//!
//! A target is a function from bytes to nothing that panics when a promise is broken. It is listed in [`TARGETS`], has
//! a program of its name in `fuzz_targets/` (and a `[[bin]]` in `Cargo.toml`) and committed inputs in `corpus/<name>/`.
//! `cargo xtask fuzz` runs the programs; `tests/replay.rs` runs every committed input through the function on stable.

/// Every target, by name.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[("nearest", nearest)];

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

/// Returns `data` as text, if it is UTF-8 of at most 64 KiB: longer inputs only make a fuzzer slow.
fn text(data: &[u8]) -> Option<&str> {
    str::from_utf8(data).ok().filter(|t| t.len() <= 1 << 16)
}
