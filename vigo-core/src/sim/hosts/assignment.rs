//! Assignments in the files that shells read: `name="value"`, one a line.

use alloc::format;
use alloc::string::String;

/// Returns what the last assignment of the text gives the variable.
pub(super) fn value(text: &str, name: &str) -> Option<String> {
    text.lines().rev().find_map(|line| of(line, name)).map(String::from)
}

fn of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.trim_start().strip_prefix(name)?.strip_prefix('=')?;
    Some(match rest.chars().next() {
        Some('"') => rest[1..].split('"').next().unwrap_or(""),
        _ => rest.split(|c: char| c.is_whitespace() || c == '#').next().unwrap_or(""),
    })
}

/// Returns the text with the variable set: in its last assignment, or in a new line.
pub(super) fn set(text: &str, name: &str, value: &str) -> String {
    let at = text.lines().enumerate().filter(|(_, line)| of(line, name).is_some()).map(|(number, _)| number).last();
    let line = |(number, line): (usize, &str)| match Some(number) == at {
        true => format!("{name}=\"{value}\"\n"),
        false => format!("{line}\n"),
    };
    let mut new: String = text.lines().enumerate().map(line).collect();
    if at.is_none() {
        new.push_str(&format!("{name}=\"{value}\"\n"));
    }
    new
}

/// Returns the text without the variable.
pub(super) fn unset(text: &str, name: &str) -> String {
    text.lines().filter(|line| of(line, name).is_none()).map(|line| format!("{line}\n")).collect()
}

/// Returns whether a word of rc.conf(5) means yes.
pub(super) fn is_yes(word: &str) -> bool {
    ["yes", "true", "on", "1"].iter().any(|yes| word.eq_ignore_ascii_case(yes))
}
