//! Versions of packages, packages-specs(7) of OpenBSD and pkg_info(1) of pkgsrc: numbers and words, a revision behind them,
//! and on OpenBSD an epoch.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// Compares two versions.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Version::parse(a), Version::parse(b));
    let places = a.parts.len().max(b.parts.len());
    let parts = (0..places).map(|i| a.part(i).cmp(&b.part(i))).find(|o| *o != Ordering::Equal);
    a.epoch.cmp(&b.epoch).then(parts.unwrap_or(Ordering::Equal)).then(a.revision.cmp(&b.revision))
}

/// Returns the version as its makers have it: without the epoch and the revision of the package.
pub(crate) fn upstream(version: &str) -> &str {
    let (rest, _) = suffix(version, "v");
    let (shorter, revision) = suffix(rest, "p");
    if revision.is_some() { shorter } else { suffix(rest, "nb").0 }
}

struct Version {
    epoch: u64,
    parts: Vec<i64>,
    /// None is before the first, which is 0.
    revision: Option<u64>,
}

impl Version {
    fn parse(text: &str) -> Self {
        // A flavor follows a hyphen, and orders nothing.
        let text = text.split('-').next().unwrap_or_default();
        let (rest, epoch) = suffix(text, "v");
        let revision = suffix(rest, "p").1.or(suffix(rest, "nb").1);
        Self { epoch: epoch.unwrap_or(0), parts: parts(upstream(text)), revision }
    }

    fn part(&self, index: usize) -> i64 {
        self.parts.get(index).copied().unwrap_or(0)
    }
}

/// Splits `5.2p1` at its last `p` where a number follows, which must not be all of it.
fn suffix<'a>(text: &'a str, word: &str) -> (&'a str, Option<u64>) {
    match text.rsplit_once(word) {
        Some((rest, number)) if rest.ends_with(|c: char| c.is_ascii_alphanumeric()) => match number.parse() {
            Ok(number) if !number_is_signed(text, rest, word) => (rest, Some(number)),
            _ => (text, None),
        },
        _ => (text, None),
    }
}

fn number_is_signed(text: &str, rest: &str, word: &str) -> bool {
    text[rest.len() + word.len()..].starts_with('+')
}

/// A number counts as it is; what comes before a release is below it; a letter counts from 1.
fn parts(text: &str) -> Vec<i64> {
    const WORDS: &[(&str, i64)] = &[("alpha", -3), ("beta", -2), ("pre", -1), ("rc", -1), ("pl", 0)];
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            // A number that is no number any more is greater than all that are.
            parts.push(rest[..digits].parse().unwrap_or(i64::MAX));
            rest = &rest[digits..];
        } else if let Some((word, below)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            parts.push(*below);
            rest = &rest[word.len()..];
        } else {
            match first {
                'a'..='z' => parts.extend([0, i64::from(u32::from(first)) - 96]),
                'A'..='Z' => parts.extend([0, i64::from(u32::from(first)) - 64]),
                _ => parts.push(0),
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    #[test]
    fn versions_are_in_order() {
        let rows: &[&[&str]] = &[
            &[
                "1.0alpha1",
                "1.0beta",
                "1.0rc1",
                "1.0",
                "1.0p0",
                "1.0p1",
                "1.0a",
                "1.0.2",
                "1.1",
                "1.10",
                "2",
                "1.0v0v1",
            ],
            &["5.2.15", "5.2.15nb1", "5.2.15nb10", "5.2.21", "5.2.21-no_x11"],
            &["9.9", "0.1v1", "0.1p3v1", "0.2v1"],
            &["20240101", "99999999999999999999999999"],
        ];
        for row in rows {
            for pair in row.windows(2) {
                let expected = if pair == ["5.2.21", "5.2.21-no_x11"] { Ordering::Equal } else { Ordering::Less };
                assert_eq!(compare(pair[0], pair[1]), expected, "{pair:?}");
                assert_eq!(compare(pair[1], pair[0]), expected.reverse(), "{pair:?}");
            }
        }
        for (version, expected) in [
            ("5.2.15p1v0", "5.2.15"),
            ("5.2nb3", "5.2"),
            ("1.0", "1.0"),
            ("9.0p1", "9.0"),
            ("p1", "p1"),
            ("1.0p+1", "1.0p+1"),
        ] {
            assert_eq!(upstream(version), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_version(a in "\\PC{0,12}", b in "[0-9a-z.]{0,12}", c in "[0-9pnvb.]{0,12}") {
            for (x, y) in [(&a, &b), (&b, &c), (&a, &c)] {
                prop_assert_eq!(compare(x, y), compare(y, x).reverse());
            }
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
            let _: String = upstream(&a).into();
        }
    }
}
