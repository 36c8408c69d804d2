//! Versions, by their dotted numbers.

use core::cmp::Ordering;

/// Returns the dotted numbers of a version as an OS reports it: from the first digit to the first character that is
/// neither digit nor dot (`14.1-RELEASE-p5` is 14.1, `r151046` is 151046).
pub(super) fn dotted(reported: &str) -> Option<&str> {
    let start = reported.find(|c: char| c.is_ascii_digit())?;
    let rest = reported.get(start..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest.get(..end)
}

/// Returns whether text is nothing but dotted numbers.
pub(super) fn is_dotted(text: &str) -> bool {
    text.split('.').all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Compares two versions as systems report them; `None` where one is none.
pub fn compare_versions(a: &str, b: &str) -> Option<Ordering> {
    let is_version = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    match (dotted(a).filter(|_| is_version(a)), dotted(b).filter(|_| is_version(b))) {
        (Some(a), Some(b)) => Some(compare(a, b)),
        _ => None,
    }
}

/// Compares dotted numbers of any length; missing ones are 0.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => (x.unwrap_or(""), y.unwrap_or("")),
        };
        let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
        match x.len().cmp(&y.len()).then_with(|| x.cmp(y)) {
            Ordering::Equal => {}
            different => return different,
        }
    }
}
