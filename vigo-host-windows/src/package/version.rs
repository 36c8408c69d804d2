//! How versions compare.

use core::cmp::Ordering;

/// Compares versions as NuGet does: numbers between dots, a missing one is 0, `-rc1` comes before the version itself. Words
/// compare as text.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let split = |v: &str| -> (alloc::string::String, Option<alloc::string::String>) {
        let v = v.trim().trim_start_matches(['v', 'V']);
        let v = v.split('+').next().unwrap_or(v);
        match v.split_once('-') {
            Some((core, pre)) => (core.into(), Some(pre.to_ascii_lowercase())),
            None => (v.into(), None),
        }
    };
    let ((a, a_pre), (b, b_pre)) = (split(a), split(b));
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let (l, r) = match (left.next(), right.next()) {
            (None, None) => break,
            (l, r) => (l.unwrap_or("0"), r.unwrap_or("0")),
        };
        match part(l, r) {
            Ordering::Equal => {}
            other => return other,
        }
    }
    match (a_pre, b_pre) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => a.cmp(&b),
    }
}

fn part(a: &str, b: &str) -> Ordering {
    let digits = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    if !(digits(a) && digits(b)) {
        return a.cmp(b);
    }
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        for (a, b, expected) in [
            ("1.10", "1.9", Ordering::Greater),
            ("1.0", "1.0.0", Ordering::Equal),
            ("01.2", "1.2", Ordering::Equal),
            ("2.0-rc1", "2.0", Ordering::Less),
            ("2.0-rc2", "2.0-rc1", Ordering::Greater),
            ("v1.2", "1.2", Ordering::Equal),
            ("1.2+build", "1.2", Ordering::Equal),
            ("99999999999999999999999.1", "9.1", Ordering::Greater),
            ("1.a", "1.b", Ordering::Less),
            ("", "1", Ordering::Less),
        ] {
            assert_eq!(compare(a, b), expected, "{a} {b}");
            assert_eq!(compare(b, a), expected.reverse(), "{b} {a}");
        }
    }
}
