//! Versions of rpm: `epoch:version-release`, ordered as rpm-version(7) says.

use super::deb_version::digits;
use core::cmp::Ordering;

/// Compares two versions. A release that only one of them has is no difference: `1.0` asks for any `1.0-3`.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    let release = match (a.2, b.2) {
        (Some(a), Some(b)) => part(a, b),
        _ => Ordering::Equal,
    };
    digits(a.0.as_bytes(), b.0.as_bytes()).then_with(|| part(a.1, b.1)).then(release)
}

fn split(version: &str) -> (&str, &str, Option<&str>) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// Compares run by run of digits or letters; `~` is older than the end, `^` newer than it and older than all else.
fn part(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        (a, b) = (skip(a), skip(b));
        match (a.first(), b.first()) {
            (Some(b'~'), Some(b'~')) | (Some(b'^'), Some(b'^')) => (a, b) = (&a[1..], &b[1..]),
            (Some(b'~'), _) => return Ordering::Less,
            (_, Some(b'~')) => return Ordering::Greater,
            (Some(b'^'), None) => return Ordering::Greater,
            (None, Some(b'^')) => return Ordering::Less,
            (Some(b'^'), _) => return Ordering::Less,
            (_, Some(b'^')) => return Ordering::Greater,
            (None, None) => return Ordering::Equal,
            (Some(_), None) => return Ordering::Greater,
            (None, Some(_)) => return Ordering::Less,
            (Some(x), Some(y)) => {
                let numeric = x.is_ascii_digit();
                if numeric != y.is_ascii_digit() {
                    return if numeric { Ordering::Greater } else { Ordering::Less };
                }
                let run = |text: &[u8]| {
                    let inside = |c: &u8| if numeric { c.is_ascii_digit() } else { c.is_ascii_alphabetic() };
                    text.iter().position(|c| !inside(c)).unwrap_or(text.len())
                };
                let (x, y) = (&a[..run(a)], &b[..run(b)]);
                let order = if numeric { digits(x, y) } else { x.cmp(y) };
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (&a[x.len()..], &b[y.len()..]);
            }
        }
    }
}

/// Skips what separates runs.
fn skip(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|c| c.is_ascii_alphanumeric() || *c == b'~' || *c == b'^').unwrap_or(text.len());
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_ordered_as_rpm_does() {
        // Each is older than the next, from rpm-version(7) and rpm's own tests.
        let ascending = [
            "1.0~rc1", "1.0~rc2", "1.0", "1.0^git1", "1.0.a", "1.0.1", "1.0.1a", "1.0.2", "1.10", "1:0.1-1", "1:0.1-2",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        for (a, b) in [("1.0", "1.0-3"), ("1.0", "0:1.0"), ("1_0", "1.0"), ("1.00", "1.0"), ("", "")] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a:?} {b:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_ordered_both_ways(a in "[0-9a-z~^.:-]{0,12}", b in ".{0,12}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&b, &b), Ordering::Equal);
        }
    }
}
