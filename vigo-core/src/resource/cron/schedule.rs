//! When a job runs, crontab(5).

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

/// A schedule that was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Schedule {
    /// `@daily` …
    Macro(&'static str),
    /// Minute, hour, day, month, weekday.
    Fields([String; 5]),
}

/// The names of the five fields.
pub(super) const FIELDS: [&str; 5] = ["minute", "hour", "day", "month", "weekday"];

const MACROS: &[&str] = &["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@reboot"];
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Parses five fields or a macro.
    ///
    /// # Errors
    /// A fragment with the range of the field at fault.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with('@') {
            let word = match text {
                "@midnight" => "@daily",
                "@annually" => "@yearly",
                other => other,
            };
            return match MACROS.iter().find(|m| **m == word) {
                Some(word) => Ok(Self::Macro(word)),
                None => Err(format!("expected one of `{}`, found `{text}`", MACROS.join("`, `"))),
            };
        }
        let mut fields = <[String; 5]>::default();
        let mut words = text.split_ascii_whitespace();
        for (i, field) in fields.iter_mut().enumerate() {
            let Some(word) = words.next() else {
                return Err(format!("expected 5 fields or a word such as `@daily`, found {i} in `{text}`"));
            };
            check(i, word).map_err(|why| format!("{}: {why}", FIELDS[i]))?;
            *field = word.into();
        }
        match words.next() {
            None => Ok(Self::Fields(fields)),
            Some(_) => {
                let count = text.split_ascii_whitespace().count();
                Err(format!("expected 5 fields or a word such as `@daily`, found {count} in `{text}`"))
            }
        }
    }
}

impl Schedule {
    /// Returns the schedule in what every cron understands: numbers, lists of them and `*`. `None` where there is no such
    /// form, as of `@reboot`.
    pub fn plain(&self) -> Option<Self> {
        let fields = match self {
            Self::Macro("@hourly") => ["0", "*", "*", "*", "*"],
            Self::Macro("@daily") => ["0", "0", "*", "*", "*"],
            Self::Macro("@weekly") => ["0", "0", "*", "*", "0"],
            Self::Macro("@monthly") => ["0", "0", "1", "*", "*"],
            Self::Macro("@yearly") => ["0", "0", "1", "1", "*"],
            Self::Macro(_) => return None,
            Self::Fields(fields) => {
                let mut plain = fields.clone();
                plain.iter_mut().enumerate().for_each(|(i, field)| *field = plain_field(i, field));
                return Some(Self::Fields(plain));
            }
        };
        Some(Self::Fields(fields.map(String::from)))
    }
}

/// Returns a checked field without names, steps, and with Sunday as 0.
fn plain_field(index: usize, text: &str) -> String {
    let (min, max, _) = range_of(index);
    let number = |word: &str| number(index, word);
    let is_plain = |part: &str| part == "*" || part.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let sunday = index == 4 && text.contains('7');
    if text.split(',').all(is_plain) && !sunday {
        return text.into();
    }
    // Sunday is 0 as well as 7: what counts up to 6 has all days.
    let last = if index == 4 { 6 } else { max };
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (Some(min), Some(last)),
            Some((from, to)) => (number(from), number(to)),
            None => (number(range), number(range)),
        };
        let step = step.parse::<usize>().unwrap_or(1).max(1);
        if let (Some(from), Some(to)) = (from, to) {
            all.extend((from..=to).step_by(step).map(|n| if index == 4 { n % 7 } else { n }));
        }
    }
    if all.len() as u32 == last + 1 - min {
        return "*".into();
    }
    all.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Macro(word) => f.write_str(word),
            Self::Fields(fields) => f.write_str(&fields.join(" ")),
        }
    }
}

/// Returns the least and the greatest number of a field, and the names that its numbers have.
pub(super) fn range_of(index: usize) -> (u32, u32, &'static [&'static str]) {
    match index {
        0 => (0, 59, &[]),
        1 => (0, 23, &[]),
        2 => (1, 31, &[]),
        3 => (1, 12, MONTHS),
        _ => (0, 7, DAYS),
    }
}

/// Returns the number of a word of a checked field.
pub(super) fn number(index: usize, word: &str) -> Option<u32> {
    let (min, max, names) = range_of(index);
    match names.iter().position(|n| n.eq_ignore_ascii_case(word)) {
        Some(at) => Some(at as u32 + min),
        None => word.parse::<u32>().ok().map(|n| n.min(max)),
    }
}

/// Checks one field: a list of `*`, numbers and ranges, the first and last with a step.
pub(super) fn check(index: usize, text: &str) -> Result<(), String> {
    let (min, max, names) = range_of(index);
    let bad = || {
        let names = match (names.first(), names.last()) {
            (Some(first), Some(last)) => format!(", `{first}` to `{last}`"),
            _ => String::new(),
        };
        format!("expected {min} to {max}{names}, `*`, ranges, steps and lists of these, found `{text}`")
    };
    let number = |word: &str| match names.iter().position(|n| n.eq_ignore_ascii_case(word)) {
        Some(at) => Some(at as u32 + min),
        None if word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit()) => {
            word.parse().ok().filter(|n| (min..=max).contains(n))
        }
        None => None,
    };
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let single = match range.split_once('-') {
            _ if range == "*" => false,
            Some((from, to)) => match (number(from), number(to)) {
                (Some(from), Some(to)) if from <= to => false,
                _ => return Err(bad()),
            },
            None => {
                number(range).ok_or_else(bad)?;
                true
            }
        };
        let steps = |step: &str| {
            let fits = step.parse::<u32>().is_ok_and(|n| (1..=max).contains(&n));
            !single && fits && step.bytes().all(|b| b.is_ascii_digit())
        };
        if !step.is_none_or(steps) {
            return Err(bad());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn schedules_are_checked_field_by_field() {
        let good = [
            ("*/5 * * * *", "*/5 * * * *"),
            (" 0  3\t1-31/2 jan,FEB,12 mon-fri ", "0 3 1-31/2 jan,FEB,12 mon-fri"),
            ("0,15,30-45/5 0 * * 0,7", "0,15,30-45/5 0 * * 0,7"),
            ("@daily", "@daily"),
            ("@midnight", "@daily"),
            ("@reboot", "@reboot"),
        ];
        for (text, shown) in good {
            assert_eq!(Schedule::parse(text).map(|s| s.to_string()).as_deref(), Ok(shown), "{text}");
        }
        let list = "`*`, ranges, steps and lists of these";
        let bad = [
            ("", "expected 5 fields or a word such as `@daily`, found 0 in ``".into()),
            ("* * * *", "expected 5 fields or a word such as `@daily`, found 4 in `* * * *`".into()),
            ("* * * * * root", "expected 5 fields or a word such as `@daily`, found 6 in `* * * * * root`".into()),
            ("60 * * * *", format!("minute: expected 0 to 59, {list}, found `60`")),
            ("* 24 * * *", format!("hour: expected 0 to 23, {list}, found `24`")),
            ("* * 0 * *", format!("day: expected 1 to 31, {list}, found `0`")),
            ("* * * 13 *", format!("month: expected 1 to 12, `jan` to `dec`, {list}, found `13`")),
            ("* * * * fri-mon", format!("weekday: expected 0 to 7, `sun` to `sat`, {list}, found `fri-mon`")),
            ("*/0 * * * *", format!("minute: expected 0 to 59, {list}, found `*/0`")),
            ("5/5 * * * *", format!("minute: expected 0 to 59, {list}, found `5/5`")),
            ("1,,2 * * * *", format!("minute: expected 0 to 59, {list}, found `1,,2`")),
            ("+5 * * * *", format!("minute: expected 0 to 59, {list}, found `+5`")),
            (
                "@never",
                "expected one of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, `@reboot`, found `@never`"
                    .into(),
            ),
        ];
        for (text, message) in bad {
            assert_eq!(Schedule::parse(text), Err(message), "{text}");
        }
    }

    #[test]
    fn steps_names_and_macros_are_expanded() {
        let cases = [
            ("*/20 * * * *", Some("0,20,40 * * * *")),
            ("5 0-23/6 1-3 jan-mar,12 mon-fri", Some("5 0,6,12,18 1-3 1,2,3,12 1,2,3,4,5")),
            ("*/1 * * * *", Some("* * * * *")),
            ("0 0 * * 7", Some("0 0 * * 0")),
            ("0 0 * * 5-7", Some("0 0 * * 0,5,6")),
            ("0 0 * * 0-7", Some("0 0 * * *")),
            ("0 0 * * */2", Some("0 0 * * 0,2,4,6")),
            ("0,15 1-5 * * 0-6", Some("0,15 1-5 * * 0-6")),
            ("@hourly", Some("0 * * * *")),
            ("@daily", Some("0 0 * * *")),
            ("@weekly", Some("0 0 * * 0")),
            ("@monthly", Some("0 0 1 * *")),
            ("@yearly", Some("0 0 1 1 *")),
            ("@reboot", None),
        ];
        for (text, expected) in cases {
            let plain = Schedule::parse(text).unwrap().plain().map(|s| s.to_string());
            assert_eq!(plain.as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_schedule_is_one_and_stays(
            text in "(\\*|[0-5]?[0-9])(/[1-9])? (\\*|1?[0-9]-2[0-3])(/[1-9])? (\\*|[1-9],1[0-9]) (\\*|jan-[a-d]ec) (\\*|[0-7]|sun-sat|[0-3]-[4-7])(/[1-3])?"
        ) {
            if let Ok(schedule) = Schedule::parse(&text) {
                let plain = schedule.plain().unwrap();
                prop_assert!(!plain.to_string().contains(|c: char| c == '/' || c.is_alphabetic()));
                prop_assert_eq!(Schedule::parse(&plain.to_string()), Ok(plain.clone()));
                prop_assert_eq!(plain.plain(), Some(plain));
            }
        }
        #[test]
        fn a_schedule_prints_as_one_that_parses(text in "[0-9*,/a-z@ -]{0,30}") {
            if let Ok(schedule) = Schedule::parse(&text) {
                prop_assert_eq!(Schedule::parse(&schedule.to_string()), Ok(schedule));
            }
        }
    }
}
