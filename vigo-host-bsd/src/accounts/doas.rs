//! The rule that asks for no password, as a marked block of doas.conf(5).

use alloc::format;
use alloc::string::String;

/// Returns the rule itself.
pub(super) fn rule(username: &str) -> String {
    format!("permit nopass {username}\n")
}

fn marks(username: &str) -> (String, String) {
    let mark = |word: &str| format!("# {word} sudo_nopasswd {username} - managed by vigo");
    (mark("BEGIN"), mark("END"))
}

/// Returns what stands between the marks; `None` without any.
///
/// # Errors
/// A fragment, when the marks are not one pair in order.
pub(super) fn block<'a>(text: &'a str, username: &str) -> Result<Option<&'a str>, String> {
    Ok(place(text, username)?.map(|place| &text[place.inner.0..place.inner.1]))
}

/// Returns the text with the block holding the rule, or without the block. The last rule that fits decides, so a new block
/// goes to the end.
///
/// # Errors
/// As [`block`].
pub(super) fn with_rule(text: &str, username: &str, wanted: bool) -> Result<String, String> {
    let (begin, end) = marks(username);
    let whole = if wanted { format!("{begin}\n{}{end}\n", rule(username)) } else { String::new() };
    Ok(match place(text, username)? {
        Some(place) => format!("{}{whole}{}", &text[..place.outer.0], &text[place.outer.1..]),
        None => {
            let gap = if text.is_empty() || text.ends_with('\n') || whole.is_empty() { "" } else { "\n" };
            format!("{text}{gap}{whole}")
        }
    })
}

/// Where a block stands: with its marks, and between them.
struct Place {
    outer: (usize, usize),
    inner: (usize, usize),
}

fn place(text: &str, username: &str) -> Result<Option<Place>, String> {
    let (begin, end) = marks(username);
    let (mut at, mut begins, mut ends) = (0, None, None);
    for line in text.split_inclusive('\n') {
        let slot = match line.trim_end() {
            line if line == begin => &mut begins,
            line if line == end => &mut ends,
            _ => {
                at += line.len();
                continue;
            }
        };
        if slot.replace((at, at + line.len())).is_some() {
            return Err(format!("expected one block of `{username}` in `/etc/doas.conf`, found several marks"));
        }
        at += line.len();
    }
    match (begins, ends) {
        (None, None) => Ok(None),
        (Some((start, inner)), Some((stop, after))) if inner <= stop => {
            Ok(Some(Place { outer: (start, after), inner: (inner, stop) }))
        }
        _ => Err(format!("expected a whole block of `{username}` in `/etc/doas.conf`, found one mark of it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str =
        "# BEGIN sudo_nopasswd bob - managed by vigo\npermit nopass bob\n# END sudo_nopasswd bob - managed by vigo\n";

    #[test]
    fn the_block_is_put_in_and_taken_out_and_the_rest_stays() {
        let own = "permit persist :wheel\n";
        let old = BLOCK.replace("permit nopass", "permit keepenv");
        let cases = [
            ("empty", "".into(), BLOCK.into(), String::new()),
            ("others", own.into(), format!("{own}{BLOCK}"), own.into()),
            ("no line end", own.trim_end().into(), format!("{own}{BLOCK}"), own.trim_end().into()),
            ("there", format!("{BLOCK}{own}"), format!("{BLOCK}{own}"), own.into()),
            ("changed", format!("{own}{old}{own}"), format!("{own}{BLOCK}{own}"), format!("{own}{own}")),
            (
                "another's",
                BLOCK.replace("bob", "bobby"),
                format!("{}{BLOCK}", BLOCK.replace("bob", "bobby")),
                BLOCK.replace("bob", "bobby"),
            ),
        ];
        for (name, text, with, without) in cases {
            assert_eq!(with_rule(&text, "bob", true), Ok(with), "{name}");
            assert_eq!(with_rule(&text, "bob", false), Ok(without), "{name}");
        }
        assert_eq!(block(BLOCK, "bob"), Ok(Some("permit nopass bob\n")));
    }

    #[test]
    fn half_a_block_is_not_guessed_at() {
        let (begin, rest) = BLOCK.split_once('\n').unwrap();
        let cases = [
            ("no end", format!("{begin}\n")),
            ("no begin", String::from(rest)),
            ("turned round", format!("{}\n{begin}\n", rest.lines().nth(1).unwrap())),
            ("twice", format!("{BLOCK}{BLOCK}")),
        ];
        for (name, text) in cases {
            assert!(block(&text, "bob").is_err(), "{name}");
        }
    }
}
