//! Debian version numbers, ordered as deb-version(7) says.

use core::cmp::Ordering;

/// Compares two versions: epoch, upstream version, revision.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    digits(a.0, b.0).then_with(|| part(a.1, b.1)).then_with(|| part(a.2, b.2))
}

fn split(version: &str) -> (&[u8], &[u8], &[u8]) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    (epoch.as_bytes(), upstream.as_bytes(), revision.as_bytes())
}

/// Compares runs of non-digits and of digits in turn.
fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let words = (run(a, false), run(b, false));
        let by_word = word(&a[..words.0], &b[..words.1]);
        if by_word != Ordering::Equal {
            return by_word;
        }
        (a, b) = (&a[words.0..], &b[words.1..]);
        let numbers = (run(a, true), run(b, true));
        let by_number = digits(&a[..numbers.0], &b[..numbers.1]);
        if by_number != Ordering::Equal {
            return by_number;
        }
        (a, b) = (&a[numbers.0..], &b[numbers.1..]);
    }
    Ordering::Equal
}

fn run(text: &[u8], digits: bool) -> usize {
    text.iter().position(|b| b.is_ascii_digit() != digits).unwrap_or(text.len())
}

/// Letters before other characters, `~` before everything, also before the end.
fn word(a: &[u8], b: &[u8]) -> Ordering {
    let weight = |text: &[u8], i: usize| match text.get(i) {
        Some(b'~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
        Some(c) => i32::from(*c) + 256,
    };
    (0..a.len().max(b.len())).map(|i| weight(a, i).cmp(&weight(b, i))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

/// Compares numbers of any length.
pub(super) fn digits(a: &[u8], b: &[u8]) -> Ordering {
    let strip = |text: &[u8]| text.iter().take_while(|b| **b == b'0').count();
    let (a, b) = (&a[strip(a)..], &b[strip(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_ordered_as_dpkg_does() {
        // Each is older than the next; checked with `dpkg --compare-versions`.
        let ascending = [
            "1.0~rc1",
            "1.0",
            "1.0-0ubuntu1",
            "1.0-1",
            "1.0-1+b1",
            "1.0a",
            "1.0+dfsg-1",
            "1.0.1",
            "1.2",
            "1.10",
            "1:0.5",
            "2:0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for (a, b) in [("1.0", "0:1.0"), ("1.0", "1.0-0"), ("1.00", "1.0"), ("", "")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_ordered_both_ways(a in "[0-9a-z~+.:-]{0,12}", b in ".{0,12}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&b, &b), Ordering::Equal);
        }
    }
}
