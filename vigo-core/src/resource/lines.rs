//! Text as lines that keep their ends: what an edit leaves alone stays as it is, byte for byte.

use super::{Attr, Fields, Kind};
use crate::host::Problem;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use regex::Regex;

const BOM: &str = "\u{feff}";

pub(super) const REGION_START: Attr =
    Attr::new("region_start", Kind::Regex, "Only lines after the first one that matches count.").no_secret();
pub(super) const REGION_END: Attr =
    Attr::new("region_end", Kind::Regex, "Only lines before the first one that matches, in the region, count.")
        .no_secret();
pub(super) const POSITION: Attr = Attr::new(
    "position",
    Kind::Line,
    "Where it is put when it is not there: `end`, `begin`, `after:<regex>` (last match), `before:<regex>` (first match).",
)
.default("end")
.no_secret();

/// A text's lines.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    bom: bool,
    /// Whether the last line has no end, which it keeps.
    open: bool,
    /// What new lines end with: at first, as most do.
    end: &'static str,
    items: Vec<Line<'a>>,
}

#[derive(Clone, Debug)]
struct Line<'a> {
    text: Cow<'a, str>,
    end: &'static str,
}

impl<'a> Lines<'a> {
    /// Splits a text.
    pub fn of(text: &'a str) -> Self {
        let (bom, rest) = text.strip_prefix(BOM).map_or((false, text), |rest| (true, rest));
        let split = |line: &'a str| match line.strip_suffix('\n') {
            None => Line { text: line.into(), end: "" },
            Some(body) => match body.strip_suffix('\r') {
                None => Line { text: body.into(), end: "\n" },
                Some(body) => Line { text: body.into(), end: "\r\n" },
            },
        };
        let items: Vec<Line<'a>> = rest.split_inclusive('\n').map(split).collect();
        let crlf = items.iter().filter(|l| l.end == "\r\n").count();
        let lf = items.iter().filter(|l| l.end == "\n").count();
        let open = items.last().is_some_and(|l| l.end.is_empty());
        Self { bom, open, end: if crlf > lf { "\r\n" } else { "\n" }, items }
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns the line at `i` without its end.
    pub fn get(&self, i: usize) -> &str {
        self.items.get(i).map_or("", |l| &l.text)
    }

    /// Gives new lines the end of the one at `i`.
    pub fn end_like(&mut self, i: usize) {
        match self.items.get(i) {
            Some(Line { end, .. }) if !end.is_empty() => self.end = end,
            _ => {}
        }
    }

    /// Returns the indices of `range` whose lines are wanted.
    pub fn find(&self, range: Range<usize>, wanted: impl Fn(&str) -> bool) -> Vec<usize> {
        range.filter(|&i| wanted(self.get(i))).collect()
    }

    /// Puts another text into the line at `i`, which keeps its end.
    pub fn set(&mut self, i: usize, text: impl Into<Cow<'a, str>>) {
        if let Some(line) = self.items.get_mut(i) {
            line.text = text.into();
        }
    }

    /// Replaces the lines of `range` by `texts`.
    pub fn splice(&mut self, range: Range<usize>, texts: impl IntoIterator<Item = impl Into<Cow<'a, str>>>) {
        let end = self.end;
        self.items.splice(range, texts.into_iter().map(|text| Line { text: text.into(), end }));
    }

    /// Keeps the lines whose index is not among `gone`, which is sorted.
    pub fn remove(&mut self, gone: &[usize]) {
        let mut i = 0;
        self.items.retain(|_| {
            i += 1;
            gone.binary_search(&(i - 1)).is_err()
        });
    }

    /// Returns whether all lines of `range` end as new lines would.
    pub fn ends_alike(&self, range: Range<usize>) -> bool {
        self.items.get(range).is_some_and(|lines| lines.iter().all(|l| l.end == self.end || l.end.is_empty()))
    }

    /// Joins the lines again.
    pub fn text(&self) -> String {
        let size = self.items.iter().map(|l| l.text.len() + 2).sum::<usize>();
        let mut out = String::with_capacity(size + BOM.len());
        if self.bom {
            out.push_str(BOM);
        }
        for (i, line) in self.items.iter().enumerate() {
            out.push_str(&line.text);
            let last = i + 1 == self.items.len();
            // An empty line without an end would be no line.
            out.push_str(match (last && self.open && !line.text.is_empty(), line.end) {
                (true, _) => "",
                (false, "") => self.end,
                (false, end) => end,
            });
        }
        out
    }
}

/// The part of a text that counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Region {
    start: Option<Regex>,
    end: Option<Regex>,
}

impl Region {
    /// Reads `region_start` and `region_end`.
    pub fn read(fields: &Fields) -> Self {
        Self { start: fields.regex("region_start"), end: fields.regex("region_end") }
    }

    /// Returns the lines between the first that matches the start and the next that matches the end; the text's own
    /// start and end stand for what is not written.
    pub fn find(&self, lines: &Lines<'_>) -> Result<Range<usize>, Problem> {
        let first = |regex: &Regex, from: usize, what: &str| {
            let at = (from..lines.len()).find(|&i| regex.is_match(lines.get(i)));
            at.ok_or_else(|| Problem::failed(format!("expected a line that matches {what} `{regex}`, found none")))
        };
        let start = match &self.start {
            Some(regex) => first(regex, 0, "`region_start`")? + 1,
            None => 0,
        };
        match &self.end {
            Some(regex) => Ok(start..first(regex, start, "`region_end`")?),
            None => Ok(start..lines.len()),
        }
    }
}

/// Where new lines go.
#[derive(Clone, Debug)]
pub(super) enum Position {
    End,
    Begin,
    After(Regex),
    Before(Regex),
}

impl Position {
    /// Reads `position`.
    pub fn read(fields: &Fields) -> Result<Self, Problem> {
        let written = fields.str("position");
        let written = written.as_deref().unwrap_or("end");
        let regex = |text: &str| {
            let regex = regex::RegexBuilder::new(text).size_limit(1 << 20).build();
            regex.map_err(|_| Problem::bad_value("position", format!("expected a regular expression, found `{text}`")))
        };
        match (written, written.split_once(':')) {
            ("end", _) => Ok(Self::End),
            ("begin", _) => Ok(Self::Begin),
            (_, Some(("after", text))) => regex(text).map(Self::After),
            (_, Some(("before", text))) => regex(text).map(Self::Before),
            _ => {
                let expected = "expected `end`, `begin`, `after:<regex>` or `before:<regex>`";
                Err(Problem::bad_value("position", format!("{expected}, found `{written}`")))
            }
        }
    }

    /// Returns the index before which new lines go; the end, when its expression matches nothing.
    pub fn find(&self, lines: &Lines<'_>, region: Range<usize>) -> usize {
        let end = region.end;
        let mut region = region;
        match self {
            Self::End => end,
            Self::Begin => region.start,
            Self::After(regex) => region.rfind(|&i| regex.is_match(lines.get(i))).map_or(end, |i| i + 1),
            Self::Before(regex) => region.find(|&i| regex.is_match(lines.get(i))).unwrap_or(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_stay_as_they_are() {
        let cases = [
            ("a\nb\n", "a\nX\nb\n"),
            ("a\r\nb\r\n", "a\r\nX\r\nb\r\n"),
            ("\u{feff}a\r\nb", "\u{feff}a\r\nX\r\nb"),
            ("a\nb\r\nc\r\n", "a\nX\r\nb\r\nc\r\n"),
            ("a", "a\nX"),
            ("a\n", "a\nX\n"),
        ];
        for (text, expected) in cases {
            let mut lines = Lines::of(text);
            lines.splice(1..1, ["X"]);
            assert_eq!(lines.text(), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn splitting_and_joining_changes_nothing(text in "(\u{feff})?([ab\r]{0,3}\r?\n){0,6}[ab\r]{0,3}") {
            prop_assert_eq!(Lines::of(&text).text(), text);
        }
    }
}
