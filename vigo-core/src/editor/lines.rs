//! A text as lines: what is read off it where it is no YAML yet.

/// A line of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'t> {
    /// Its first byte in the text.
    pub start: usize,
    /// The line, without its end.
    pub text: &'t str,
}

impl<'t> Line<'t> {
    /// Returns the line that holds the byte `at`.
    pub fn at(text: &'t str, at: usize) -> Self {
        let start = text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
        let line = text.get(start..).unwrap_or_default();
        Self { start, text: line.split('\n').next().unwrap_or_default().trim_end_matches('\r') }
    }

    /// Returns the lines above this one, the nearest first, blank ones and comments left out, up to the beginning of the
    /// document.
    pub fn above(self, text: &'t str) -> impl Iterator<Item = Self> {
        let mut next = self.start;
        let lines = core::iter::from_fn(move || {
            let line = Self::at(text, next.checked_sub(1)?);
            next = line.start;
            Some(line)
        });
        lines.take_while(|l| !l.is_marker()).filter(|l| l.is_written())
    }

    /// Returns the lines below this one, the nearest first, blank ones and comments left out, up to the end of the
    /// document.
    pub fn below(self, text: &'t str) -> impl Iterator<Item = Self> {
        let mut next = self.start;
        let lines = core::iter::from_fn(move || {
            next += text.get(next..)?.find('\n')? + 1;
            Some(Self::at(text, next))
        });
        lines.take_while(|l| !l.is_marker()).filter(|l| l.is_written())
    }

    /// Returns whether the line parts two documents.
    fn is_marker(self) -> bool {
        self.text.starts_with("---") || self.text.starts_with("...")
    }

    fn is_written(self) -> bool {
        let text = self.text.trim();
        !text.is_empty() && !text.starts_with('#')
    }

    /// Returns how many blanks it begins with.
    pub fn indent(self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// Returns the columns of its dashes, those of list items that begin in it.
    pub fn dashes(self) -> impl DoubleEndedIterator<Item = usize> + Clone {
        let (first, content) = (self.indent(), self.column());
        let bytes = self.text.as_bytes();
        (first..content).filter(move |&at| bytes.get(at) == Some(&b'-'))
    }

    /// Returns the column of what stands behind the indent and the dashes.
    pub fn column(self) -> usize {
        let mut at = self.indent();
        while let Some(rest) = self.text.get(at..).and_then(|t| t.strip_prefix('-')) {
            if !rest.is_empty() && !rest.starts_with(' ') {
                break;
            }
            at = self.text.len() - rest.trim_start_matches(' ').len();
        }
        at
    }

    /// Returns what stands behind the indent and the dashes.
    pub fn content(self) -> &'t str {
        self.text.get(self.column()..).unwrap_or_default()
    }

    /// Returns the key of `key: value`, and the column at which the value begins.
    pub fn key(self) -> Option<(&'t str, usize)> {
        let (key, behind) = key_of(self.content())?;
        let rest = self.text.get(self.column() + behind..)?;
        Some((key, self.text.len() - value_of(rest).len()))
    }

    /// Returns the column at which a value begins: behind the key, or where there is none behind the dashes.
    pub fn value_column(self) -> usize {
        self.key().map_or(self.column(), |(_, at)| at)
    }

    /// Returns whether a block of text begins behind it.
    pub fn opens_block(self) -> bool {
        let value = self.text.get(self.value_column()..).unwrap_or_default();
        let head = value.split(" #").next().unwrap_or_default().trim_end();
        head.starts_with(['|', '>']) && head.len() <= 3
    }
}

/// Returns the key that a text begins with, and what follows its `:`.
pub(super) fn key_of(text: &str) -> Option<(&str, usize)> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let end = text.get(1..)?.find(quote)? + 1;
        let rest = text.get(end + 1..)?;
        let blanks = rest.len() - rest.trim_start().len();
        return rest.trim_start().starts_with(':').then(|| (text.get(1..end).unwrap_or_default(), end + 2 + blanks));
    }
    if text.starts_with(['{', '[', '#', '|', '>', '&', '*', '!', '%', '@', '`']) {
        return None;
    }
    let colon = text.match_indices(':').map(|(at, _)| at).find(|&at| {
        let next = text.as_bytes().get(at + 1);
        next.is_none_or(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
    })?;
    let key = text.get(..colon)?.trim_end();
    (!key.contains(" #") && !key.is_empty()).then_some((key, colon + 1))
}

/// Returns a value without the blanks and the anchor or tag that stand before it.
pub(super) fn value_of(text: &str) -> &str {
    let mut value = text.trim_start_matches([' ', '\t']);
    while value.starts_with(['&', '!']) {
        match value.split_once(' ') {
            Some((_, rest)) => value = rest.trim_start(),
            None => return value,
        }
    }
    value
}
