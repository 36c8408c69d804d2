//! Where in a document a byte stands, read off the indent and the brackets of the text around it: the text need not be
//! YAML.

use super::lines::{Line, key_of, value_of};
use alloc::vec::Vec;
use core::ops::Range;

/// Lines that are looked at for what stands beside a key: those of the largest resources.
const LINES_MAX: usize = 2000;

/// Bytes of a text in brackets that are looked at.
const FLOW_BYTES_MAX: usize = 1 << 16;

/// Where in a document a byte stands.
#[derive(Debug, Default)]
pub(super) struct Place<'t> {
    /// The way to it from the root of the document.
    pub path: Vec<Step<'t>>,
    /// Which side of a `:` it is on.
    pub side: Side,
    /// The keys of the map in which it stands, with what stands on their lines; its own line left out.
    pub entries: Vec<Entry<'t>>,
    /// The word around it.
    pub word: Range<usize>,
    /// The value in which it stands begins there, behind a quote.
    pub from: usize,
}

/// A step from a collection into what it holds.
#[derive(Clone, Debug)]
pub(super) enum Step<'t> {
    /// Into the value of this key, with the keys beside it.
    Key(&'t str, Vec<Entry<'t>>),
    /// Into an item.
    Item,
}

/// A key, and what stands behind it on its line, without quotes.
pub(super) type Entry<'t> = (&'t str, &'t str);

/// Which side of a `:` a byte is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Side {
    /// It is in a key.
    Key,
    /// It is in a value.
    Value,
    /// There is no `:` yet: a key or an item.
    #[default]
    Unclear,
    /// It is in a comment.
    Comment,
}

impl<'t> Place<'t> {
    /// Returns where the byte `at` of a text stands.
    pub fn of(text: &'t str, at: usize) -> Self {
        let at = text.floor_char_boundary(at.min(text.len()));
        let line = Line::at(text, at);
        let column = at - line.start;
        let mut place = Self { word: word(text, at), from: at, ..Self::default() };
        if is_comment(line.text.get(..column).unwrap_or_default()) {
            place.side = Side::Comment;
            return place;
        }
        let mut way: Vec<Step<'t>> = Vec::new();
        let own = if line.text.trim().is_empty() { column } else { line.column() };
        if let Some(flow) = Flow::at(text, line.start + line.value_column(), at) {
            way = flow.way(text, &mut place);
            way.extend(line.key().map(|(key, _)| Step::Key(key, entries(text, line, own))));
        } else {
            match line.key() {
                Some((key, value)) if column > own + key_of(line.content()).map_or(0, |(_, end)| end) - 1 => {
                    place.side = Side::Value;
                    place.from = unquoted(text, line.start + value).min(at);
                    way.push(Step::Key(key, entries(text, line, own)));
                }
                Some((key, _)) => {
                    place.side = Side::Key;
                    let start = line.start + own + usize::from(line.content().starts_with(['"', '\'']));
                    place.word = start..start + key.len();
                    place.entries = entries(text, line, own);
                }
                None => {
                    place.from = unquoted(text, line.start + own).min(at);
                    place.entries = entries(text, line, own);
                }
            }
        }
        let dashes = line.dashes().filter(|d| *d < column || line.text.trim().is_empty());
        way.extend(dashes.clone().map(|_| Step::Item));
        let first = dashes.clone().next();
        place.climb(text, line, (first.unwrap_or(own), first.is_some()), at, &mut way);
        way.reverse();
        place.path = way;
        place
    }

    /// Goes from a line to those that hold it, up to the root of the document: `bound` is the column of the innermost
    /// collection that is not accounted for, and whether a dash stands there.
    fn climb(&mut self, text: &'t str, line: Line<'t>, bound: (usize, bool), at: usize, way: &mut Vec<Step<'t>>) {
        let (mut bound, mut is_item) = bound;
        for above in line.above(text) {
            if bound == 0 && !is_item {
                break;
            }
            let (column, first) = (above.column(), above.dashes().next());
            let holds = if is_item {
                let beside = first.is_some_and(|f| f == bound);
                !beside && column <= bound && (first.is_none_or(|f| f < bound))
            } else {
                column < bound
            };
            if !holds {
                // A key beside this one, the first of its item.
                if !is_item && column == bound && first.is_some() {
                    way.extend(above.dashes().map(|_| Step::Item));
                    (bound, is_item) = (first.unwrap_or(0), true);
                }
                continue;
            }
            let value = above.start + above.value_column();
            let flow = Flow::at(text, value, at);
            let key = above.key();
            if let Some(flow) = flow {
                *way = flow.way(text, self);
            } else if key.is_none() {
                continue;
            } else if above.opens_block() || is_text(text.get(value..above.start + above.text.len()).unwrap_or("")) {
                // The lines below are the text of this key, however they look.
                way.clear();
                self.side = Side::Value;
                self.entries.clear();
                self.from = if above.opens_block() { above.start + above.text.len() } else { unquoted(text, value) };
            }
            way.extend(key.map(|(key, _)| Step::Key(key, entries(text, above, column))));
            way.extend(above.dashes().map(|_| Step::Item));
            (bound, is_item) = (first.unwrap_or(column), first.is_some());
        }
    }

    /// Returns what stands between the beginning of the value and the byte `at`.
    pub fn head(&self, text: &'t str, at: usize) -> &'t str {
        text.get(self.from..at).unwrap_or_default()
    }
}

/// Returns whether a value is a text that may go on in the next line.
fn is_text(value: &str) -> bool {
    let value = value.split(" #").next().unwrap_or_default().trim();
    !value.is_empty() && !value.starts_with(['#', '*', '[', '{'])
}

/// Returns whether the end of what stands before a place in its line is in a comment.
fn is_comment(before: &str) -> bool {
    let mut quote = None;
    let mut last = ' ';
    for c in before.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') && matches!(last, ' ' | ':' | ',' | '[' | '{' | '(') => quote = Some(c),
            None if c == '#' && last == ' ' => return true,
            None => {}
        }
        last = c;
    }
    false
}

/// Returns the place behind a quote that stands at the byte `at`.
fn unquoted(text: &str, at: usize) -> usize {
    at + usize::from(text.get(at..).is_some_and(|t| t.starts_with(['"', '\''])))
}

/// Returns the word around a byte: what stands between blanks, brackets, commas and quotes.
pub(super) fn word(text: &str, at: usize) -> Range<usize> {
    let parts = |c: char| c.is_whitespace() || ",[]{}()\"'`#|&!".contains(c);
    let start = text.get(..at).unwrap_or_default().rfind(parts);
    let start = start.map_or(0, |i| i + text.get(i..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8));
    let rest = text.get(at..).unwrap_or_default();
    let end = at + rest.find(parts).unwrap_or(rest.len());
    let word = text.get(start..end).unwrap_or_default();
    start..end - (word.len() - word.trim_end_matches(':').len()).min(end - at)
}

/// Returns the keys beside the one of a line, and its own left out.
fn entries<'t>(text: &'t str, line: Line<'t>, column: usize) -> Vec<Entry<'t>> {
    let mut found = Vec::new();
    let mut take = |line: Line<'t>| {
        if let Some((key, value)) = line.key() {
            found.push((key, plain(line.text.get(value..).unwrap_or_default())));
        }
    };
    if line.dashes().next().is_none() {
        for above in line.above(text).take(LINES_MAX) {
            if above.column() == column {
                take(above);
            }
            if above.column() < column || (above.column() == column && above.dashes().next().is_some()) {
                break;
            }
        }
    }
    for below in line.below(text).take(LINES_MAX) {
        if below.indent() < column {
            break;
        }
        if below.indent() == column && below.dashes().next().is_none() {
            take(below);
        }
    }
    found
}

/// Returns a scalar without quotes, blanks and a comment.
fn plain(value: &str) -> &str {
    let value = value_of(value).trim();
    match value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => value.get(1..).and_then(|rest| rest.split(quote).next()).unwrap_or_default(),
        None => value.split(" #").next().unwrap_or_default().trim_end(),
    }
}

/// A text in brackets, read up to a place inside it.
struct Flow<'t> {
    frames: Vec<Frame<'t>>,
    /// Where the scalar in hand begins, behind its quote.
    from: usize,
}

/// An open bracket.
struct Frame<'t> {
    is_map: bool,
    /// Behind the bracket.
    start: usize,
    key: Option<&'t str>,
}

impl<'t> Flow<'t> {
    /// Reads the text in brackets that begins at `from`, if `at` is inside it.
    fn at(text: &'t str, from: usize, at: usize) -> Option<Self> {
        if from >= at || at - from > FLOW_BYTES_MAX || !text.get(from..)?.starts_with(['[', '{']) {
            return None;
        }
        let mut reader = Reader::new(text, from);
        while reader.at < at {
            reader.step();
            if reader.frames.is_empty() {
                return None;
            }
        }
        let from = reader.begin.min(at);
        Some(Self { frames: reader.frames, from })
    }

    /// Returns the way from the collection around the innermost bracket out to the first, and says where the place is.
    fn way(self, text: &'t str, place: &mut Place<'t>) -> Vec<Step<'t>> {
        place.from = self.from;
        place.entries.clear();
        if let Some(last) = self.frames.last() {
            place.side = match (last.is_map, last.key) {
                (true, None) => Side::Key,
                _ => Side::Value,
            };
            if last.is_map && last.key.is_none() {
                place.entries = flow_entries(text, last.start);
            }
        }
        let mut way = Vec::with_capacity(self.frames.len());
        for frame in self.frames.iter().rev() {
            match frame.key {
                Some(key) => way.push(Step::Key(key, flow_entries(text, frame.start))),
                None if !frame.is_map => way.push(Step::Item),
                None => {}
            }
        }
        way
    }
}

/// Reads a text in brackets.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    frames: Vec<Frame<'t>>,
    quote: Option<char>,
    /// Where the scalar in hand begins, behind its quote.
    begin: usize,
    /// Whether nothing of it was read yet.
    fresh: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, from: usize) -> Self {
        Self { text, at: from, frames: Vec::new(), quote: None, begin: from, fresh: true }
    }

    /// Reads a character; tells a key from a value, and where a bracket opens or closes.
    fn step(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else {
            self.at += 1;
            return;
        };
        let here = self.at;
        self.at += c.len_utf8();
        match (self.quote, c) {
            (Some(quote), _) => {
                if c == quote {
                    self.quote = None;
                }
            }
            (None, '"' | '\'') if self.fresh => {
                self.quote = Some(c);
                self.begin = self.at;
                self.fresh = false;
            }
            // A template that is not quoted.
            (None, '{') if rest.starts_with("{{") => {
                self.at = rest.find("}}").map_or(self.at + 1, |end| here + end + 2);
                self.fresh = false;
            }
            (None, '[' | '{') => {
                self.frames.push(Frame { is_map: c == '{', start: self.at, key: None });
                self.begin_scalar();
            }
            (None, ']' | '}') => {
                self.frames.pop();
                self.fresh = false;
            }
            (None, ',') => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.key = None;
                }
                self.begin_scalar();
            }
            (None, ':') if rest.as_bytes().get(1).is_none_or(|b| b" \t\r\n,]}".contains(b)) => {
                let key = self.text.get(self.begin..here).unwrap_or_default().trim_end().trim_end_matches(['"', '\'']);
                if let Some(frame) = self.frames.last_mut().filter(|f| f.is_map && f.key.is_none()) {
                    frame.key = Some(key);
                    self.begin_scalar();
                }
            }
            (None, '#') if self.text.get(..here).is_some_and(|t| t.ends_with([' ', '\n'])) => {
                self.at = here + rest.find('\n').unwrap_or(rest.len()).max(1);
            }
            (None, c) if c.is_whitespace() => {
                if self.fresh {
                    self.begin = self.at;
                }
            }
            (None, _) => self.fresh = false,
        }
    }

    fn begin_scalar(&mut self) {
        self.begin = self.at;
        self.fresh = true;
    }
}

/// Returns the keys of a map in brackets that begins at `start`, with their scalars.
fn flow_entries(text: &str, start: usize) -> Vec<Entry<'_>> {
    let mut reader = Reader::new(text, start);
    reader.frames.push(Frame { is_map: true, start, key: None });
    let mut found: Vec<Entry<'_>> = Vec::new();
    let end = text.len().min(start + FLOW_BYTES_MAX);
    while reader.at < end && !reader.frames.is_empty() {
        let (before, begin, here) = (reader.frames.last().and_then(|f| f.key), reader.begin, reader.at);
        let depth = reader.frames.len();
        reader.step();
        // The value of a key ends where the key does.
        let after = reader.frames.last().and_then(|f| f.key);
        if depth == 1
            && let Some(key) = before
            && (after.is_none() || reader.frames.is_empty())
        {
            found.push((key, text.get(begin..here).unwrap_or_default().trim_end().trim_end_matches(['"', '\''])));
        }
    }
    found
}
