//! From bytes to what a target takes.

/// Returns `data` as text, if it is UTF-8 of at most 64 KiB: longer inputs only make a fuzzer slow.
pub fn text(data: &[u8]) -> Option<&str> {
    str::from_utf8(data).ok().filter(|t| t.len() <= 1 << 16)
}

/// Splits the first byte off: it chooses.
pub fn choice(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(first, rest)| (*first, rest))
}
