//! Assignments in rc.conf(5), read and edited in place.

use alloc::format;
use alloc::string::String;

/// Where an assignment's value stands in a line: `name=VALUE`, or `: ${name:=VALUE}`.
fn value_in(line: &str, variable: &str) -> Option<core::ops::Range<usize>> {
    let start = line.len() - line.trim_start().len();
    let rest = &line[start..];
    if let Some(after) = rest.strip_prefix(variable).and_then(|r| r.strip_prefix('=')) {
        let from = line.len() - after.len();
        return Some(from..from + value_end(after));
    }
    // The default of a parameter expansion; `-` and `=` without a colon leave an empty value alone.
    let open = rest.find(&format!("${{{variable}:="))?;
    let from = start + open + variable.len() + 4;
    let to = line[from..].find('}')?;
    Some(from..from + to)
}

/// Returns where a word of a shell ends: a quoted one at its quote, a bare one at a blank or comment.
fn value_end(text: &str) -> usize {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].find(quote).map_or(text.len(), |at| at + 2),
        _ => text.find(|c: char| c.is_whitespace() || c == ';' || c == '#').unwrap_or(text.len()),
    }
}

/// Returns the value that the text leaves the variable with; the last assignment wins.
pub(super) fn value(text: &str, variable: &str) -> Option<String> {
    let mut found = None;
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if let Some(range) = value_in(line, variable) {
            found = Some(String::from(line[range].trim_matches(['"', '\''])));
        }
    }
    found
}

/// Returns the text with the variable set to a plain word: in its last assignment, quotes and comments kept, or in a new
/// line at the end.
pub(super) fn set(text: &str, variable: &str, word: &str) -> String {
    let mut last = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim_start().starts_with('#')
            && let Some(range) = value_in(line.trim_end_matches('\n'), variable)
        {
            last = Some(at + range.start..at + range.end);
        }
        at += line.len();
    }
    let mut result = String::from(text);
    match last {
        Some(range) => {
            let old = &text[range.clone()];
            let quote = match old.chars().next() {
                Some(quote @ ('"' | '\'')) if old.len() > 1 && old.ends_with(quote) => Some(quote),
                _ => None,
            };
            let new = match quote {
                Some(quote) => format!("{quote}{word}{quote}"),
                None => String::from(word),
            };
            result.replace_range(range, &new);
        }
        None => {
            if !result.is_empty() && !result.ends_with('\n') {
                result.push('\n');
            }
            result.push_str(&format!("{variable}={word}\n"));
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_read_and_set_where_they_stand() {
        let cases = [
            ("plain", "sshd=NO\n", Some("NO"), "sshd=YES\n"),
            ("quoted", "a=1\nsshd=\"NO\"\t# why\nb=2\n", Some("NO"), "a=1\nsshd=\"YES\"\t# why\nb=2\n"),
            ("single quotes", "sshd='no'", Some("no"), "sshd='YES'"),
            ("a comment after it", "sshd=NO# x\n", Some("NO"), "sshd=YES# x\n"),
            ("a default", ": ${sshd:=NO}\n", Some("NO"), ": ${sshd:=YES}\n"),
            ("the last wins", "sshd=YES\nsshd=NO\n", Some("NO"), "sshd=YES\nsshd=YES\n"),
            ("only a comment", "#sshd=NO\n", None, "#sshd=NO\nsshd=YES\n"),
            ("another name", "sshd_flags=x\nxsshd=NO\n", None, "sshd_flags=x\nxsshd=NO\nsshd=YES\n"),
            ("no line end", "a=1", None, "a=1\nsshd=YES\n"),
            ("nothing", "", None, "sshd=YES\n"),
            ("an open quote", "sshd=\"NO\n", Some("NO"), "sshd=YES\n"),
        ];
        for (name, text, now, after) in cases {
            assert_eq!(value(text, "sshd").as_deref(), now, "{name}");
            assert_eq!(set(text, "sshd", "YES"), after, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_set_is_read_back_and_other_lines_stay(
            lines in proptest::collection::vec("[ #]?(sshd|named|a)(=|:=)?[\"']?[A-Z é]{0,4}[\"']? ?#?", 0..6),
            end in any::<bool>(),
        ) {
            let mut text = lines.join("\n");
            if end {
                text.push('\n');
            }
            let once = set(&text, "sshd", "YES");
            prop_assert_eq!(value(&once, "sshd"), Some(String::from("YES")));
            prop_assert_eq!(set(&once, "sshd", "YES"), once.clone());
            let others = |t: &str| t.lines().filter(|l| !l.contains("sshd") && !l.is_empty()).map(String::from).collect::<alloc::vec::Vec<_>>();
            prop_assert_eq!(others(&once), others(&text));
        }
    }
}
