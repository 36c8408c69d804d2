//! What is wrong with a text that is no YAML, seen from how it is laid out in lines: the parser only says where it gave up.

use super::trap::value_of_line;
use crate::diagnostic::{Code, Diagnostic, FileId, Span};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use granit_parser::ErrorKind;

/// How many lines back the beginning of what is broken is sought.
const LINES_BACK: usize = 200;

/// How far ahead its end is sought.
const BYTES_AHEAD: usize = 1 << 16;

/// A line of the text.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t str,
}

impl<'t> Line<'t> {
    /// Returns the line that holds the byte `at`.
    fn at(source: &'t str, at: usize) -> Self {
        let start = source.get(..at).and_then(|s| s.rfind('\n')).map_or(0, |i| i + 1);
        let text = source.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        Self { start, text }
    }

    /// Returns the line before this one that holds more than blanks and a comment.
    fn above(self, source: &'t str) -> Option<Self> {
        let mut line = self;
        for _ in 0..LINES_BACK {
            line = Self::at(source, line.start.checked_sub(1)?);
            if !line.text.trim_start().is_empty() && !line.text.trim_start().starts_with('#') {
                return Some(line);
            }
        }
        None
    }

    /// Returns this line and those above it.
    fn upwards(self, source: &'t str) -> impl Iterator<Item = Self> {
        core::iter::successors(Some(self), |line| line.above(source)).take(LINES_BACK)
    }

    fn indent(self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// Returns the place of the line's text behind the indent and the dashes of list items.
    fn column(self) -> usize {
        let mut at = self.indent();
        while let Some(rest) = self.text.get(at..).and_then(|t| t.strip_prefix("- ")) {
            at = self.text.len() - rest.trim_start_matches(' ').len();
        }
        at
    }

    /// Returns the text behind the indent and the dashes.
    fn content(self) -> &'t str {
        self.text.get(self.column()..).unwrap_or_default()
    }

    /// Returns the key of `key: value` or `key:`.
    fn key(self) -> Option<&'t str> {
        let content = self.content().trim_end();
        let key = content.split_once(": ").map(|(key, _)| key).or_else(|| content.strip_suffix(':'))?;
        (!key.is_empty() && !key.contains([' ', '"', '\'', '{', '['])).then_some(key)
    }

    /// Returns whether a block (`|`, `>`) begins behind its key.
    fn opens_block(self) -> bool {
        let value = value_of_line(self.text).split(" #").next().unwrap_or_default().trim_end();
        value.starts_with(['|', '>']) && value.len() <= 3
    }

    /// Returns the span of whole characters of this line.
    fn span(self, id: FileId, from: usize, len: usize) -> Span {
        let (from, end) = (self.text.floor_char_boundary(from), self.text.ceil_char_boundary(from + len));
        Span::new(id, (self.start + from) as u32, (self.start + end) as u32)
    }
}

/// Returns the span of the character that begins at the byte `at`; an empty one at the end.
pub(super) fn point(id: FileId, source: &str, at: usize) -> Span {
    let at = source.floor_char_boundary(at);
    let width = source.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    Span::new(id, at as u32, (at + width) as u32)
}

fn error(span: Span, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::Yaml, span, message).help(help)
}

fn unclosed(span: Span, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::Unclosed, span, message).help(help)
}

fn indent(span: Span, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::Indent, span, message).help(help)
}

fn blanks(n: usize) -> String {
    format!("{n} blank{}", if n == 1 { "" } else { "s" })
}

/// Words what the parser could not go on with at the byte `at`; nothing where its own words must do.
pub(super) fn of_kind(id: FileId, source: &str, at: usize, kind: &ErrorKind) -> Option<Diagnostic> {
    let line = Line::at(source, at);
    let here = line.span(id, line.column(), line.content().trim_end().len());
    let point = point(id, source, at);
    Some(match kind {
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping => unclosed_flow(id, source, at).unwrap_or_else(|| {
            no_end(point, if source.get(at..).is_some_and(|s| s.starts_with('{')) { '{' } else { '[' })
        }),
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            if let Some((opened, close)) = match source.as_bytes().get(at) {
                Some(b'[') => Some(('[', ']')),
                Some(b'{') => Some(('{', '}')),
                _ => None,
            } {
                let what = if opened == '[' { "list" } else { "map" };
                let message = format!("the {what} that begins with this `{opened}` ends with another bracket");
                return Some(unclosed(point, message, format!("end it with `{close}`")));
            }
            let found = source.get(at..)?.chars().find(|c| matches!(c, ']' | '}'))?;
            unclosed(point, format!("`{found}` closes nothing"), "remove it, or quote the whole value")
        }
        ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::UnclosedQuotedScalar
        | ErrorKind::DocumentIndicatorInQuotedScalar => unclosed_quote(id, source, line)?,
        // A blank behind the closing quote, and a list or map around it: an item is over.
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar
            if source.get(..at).is_some_and(|s| s.ends_with(' ')) && unclosed_flow(id, source, at).is_some() =>
        {
            unclosed_flow(id, source, at)?
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar => unclosed(
            point,
            "a `'` inside '…' ends the text",
            "write it twice (`''`), or the whole value in double quotes or as a block scalar (`|`)",
        ),
        ErrorKind::InvalidTrailingDoubleQuotedScalar => unclosed(
            point,
            "a `\"` inside \"…\" ends the text",
            "write `\\\"`, or the whole value in '…' or as a block scalar (`|`)",
        ),
        ErrorKind::UnknownQuotedScalarEscape => unknown_escape(id, source, at)?,
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => no_key(id, source, line, here),
        ErrorKind::ExpectedBlockSequenceEntry | ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            misindented(id, source, line)?
        }
        ErrorKind::BlockSequenceEntryNotAllowed => error(
            point,
            "a `-` where no list item can stand",
            "write each item on a line of its own below the key, or quote the whole value",
        ),
        ErrorKind::CommentInterceptedScalar | ErrorKind::CommentNotSeparated => {
            error(point, "a `#` begins a comment here", "write a blank before a comment, or quote the whole value")
        }
        ErrorKind::InvalidBlockScalarHeader => error(
            point,
            "a block scalar begins in the line behind its `|`",
            "write the text on the next line, indented; or leave the `|` out",
        ),
        _ => return None,
    })
}

/// Looks for the `[` or `{` around the byte `at`, and says that it has no end, or that a `,` is missing there.
pub(super) fn unclosed_flow(id: FileId, source: &str, at: usize) -> Option<Diagnostic> {
    let lines = Line::at(source, at).upwards(source).filter(|l| value_of_line(l.text).starts_with(['[', '{']));
    let mut starts = lines.map(|l| l.start + (l.text.len() - value_of_line(l.text).len())).filter(|&from| from < at);
    let (start, opened, rest) = starts.find_map(|from| {
        let mut flow = Flow::default();
        flow.read(source.get(from..at)?);
        let &(open, opened) = flow.open.last()?;
        // What follows ends it after all, or begins and ends others only.
        let behind = source.get(at..).unwrap_or_default();
        flow.read(behind.get(..behind.floor_char_boundary(BYTES_AHEAD)).unwrap_or_default());
        Some((from + open, opened, flow.open))
    })?;
    if rest.is_empty() {
        return Some(unclosed(
            point(id, source, at),
            "two items without a `,` between them",
            "write `,` between the items",
        ));
    }
    Some(no_end(Span::new(id, start as u32, start as u32 + 1), opened))
}

fn no_end(span: Span, opened: char) -> Diagnostic {
    let (what, close) = if opened == '[' { ("list", ']') } else { ("map", '}') };
    unclosed(span, format!("the {what} that begins with this `{opened}` has no end"), format!("write the `{close}`"))
}

/// The brackets of a text in flow style, as far as it was read.
#[derive(Default)]
struct Flow {
    open: Vec<(usize, char)>,
    quote: Option<char>,
    done: bool,
}

impl Flow {
    /// Reads on, until the first bracket is closed.
    fn read(&mut self, text: &str) {
        let mut before = ' ';
        for (i, c) in text.char_indices() {
            if self.done {
                return;
            }
            match self.quote {
                Some(q) if c == q => self.quote = None,
                Some(_) => {}
                None if matches!(c, '"' | '\'') && matches!(before, ' ' | ',' | '[' | '{' | ':') => {
                    self.quote = Some(c);
                }
                None if matches!(c, '[' | '{') => self.open.push((i, c)),
                None if matches!(c, ']' | '}') => {
                    self.open.pop();
                    self.done = self.open.is_empty();
                }
                None => {}
            }
            before = c;
        }
    }
}

/// Explains a `key:` that became a part of the text in the line above it.
pub(super) fn continued(id: FileId, source: &str, at: usize) -> Option<Diagnostic> {
    let line = Line::at(source, at);
    let above = line.above(source)?;
    if let Some(rest) = above.text.trim_start().strip_prefix('-')
        && rest.starts_with(|c: char| c.is_alphanumeric())
    {
        let span = above.span(id, above.indent(), 1);
        return Some(indent(span, "a `-` without a blank behind it begins no list item", format!("write `- {rest}`")));
    }
    let key = line.key()?;
    // The `:` is that of the line's own key, and the line above has a value that this one goes on with.
    let own = line.start + line.column() + key.len() == at;
    if !own || line.column() <= above.column() || above.key().is_none() || above.content().trim_end().ends_with(':') {
        return None;
    }
    let message = format!("`{key}` is indented deeper than the line above, and so goes on with that line's text");
    let help = format!("indent it by {}, like the key above", blanks(above.column()));
    Some(indent(line.span(id, line.column(), key.len()), message, help))
}

/// Explains a line whose indent fits neither what is above it nor what encloses that.
fn misindented(id: FileId, source: &str, line: Line<'_>) -> Option<Diagnostic> {
    let block = line.upwards(source).skip(1).take_while(|l| l.indent() > line.indent() || l.opens_block());
    if let Some(first) = block.filter(|l| l.opens_block()).last().filter(|l| l.column() < line.indent()) {
        let message = "this line is indented less than the first line of the block scalar it belongs to";
        let help = format!("indent the whole text behind `{}` alike", first.key().unwrap_or("|"));
        return Some(indent(line.span(id, line.indent(), line.text.trim().len()), message, help));
    }
    let is_item = line.text.trim_start().starts_with("- ");
    let (what, column, like) = if is_item {
        let item = line.upwards(source).skip(1).find(|l| l.text.trim_start().starts_with("- "))?;
        ("this `-`", line.indent(), item.indent())
    } else {
        ("this key", line.column(), line.above(source)?.column())
    };
    if column == like {
        return None;
    }
    let message = format!("{what} is indented by {}, what it belongs to by {like}", blanks(column));
    let len = if is_item { 1 } else { line.key().map_or(1, str::len) };
    Some(indent(line.span(id, column, len), message, format!("indent it by {}", blanks(like))))
}

/// Explains a line that is no `key: value`.
fn no_key(id: FileId, source: &str, line: Line<'_>, here: Span) -> Diagnostic {
    let content = line.content().trim_end();
    let shown: String = content.chars().take(60).collect();
    if let Some(above) = line.above(source).filter(|l| l.opens_block() && line.indent() <= l.column()) {
        let key = above.key().unwrap_or("|");
        let message = format!("the text of `{key}` must be indented deeper than `{key}`");
        return indent(here, message, format!("indent it by {}", blanks(above.column() + 2)));
    }
    if let Some((key, value)) = content.split_once(':').filter(|(_, value)| !value.starts_with([' ', '/'])) {
        let at = line.span(id, line.column() + key.len(), 1);
        if let Some(blank) = value.chars().next().filter(|c| c.is_whitespace()) {
            let message = format!("behind `{key}:` stands no blank but the character U+{:04X}", u32::from(blank));
            return error(at, message, "write an ordinary blank");
        }
        return error(at, format!("`{shown}` has no blank behind the `:`"), format!("write `{key}: {value}`"));
    }
    let help = match content.split_once(' ') {
        Some((key, value)) if !key.contains(['"', '\'']) => format!("write `{key}: {value}` if `{key}` is the key"),
        _ if line.key().is_none() && !shown.contains(['"', '\'', ':']) => format!("write `{shown}:` if it is a key"),
        _ => "write a `:` and a blank behind the key".into(),
    };
    error(here, format!("expected `key: value`, found `{shown}`"), help)
}

/// Looks for the quote that is not closed.
fn unclosed_quote(id: FileId, source: &str, line: Line<'_>) -> Option<Diagnostic> {
    let open = line.upwards(source).find_map(|l| {
        let value = value_of_line(l.text);
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let closed = value.get(1..)?.trim_end().ends_with(quote) && value.trim_end().len() > 1;
        (!closed).then_some((l.start + l.text.len() - value.len(), quote))
    });
    let (at, quote) = open?;
    let span = Span::new(id, at as u32, at as u32 + 1);
    Some(unclosed(
        span,
        format!("the text that begins with this `{quote}` has no end"),
        format!("write the closing `{quote}`"),
    ))
}

/// Looks for the escape that means nothing.
fn unknown_escape(id: FileId, source: &str, at: usize) -> Option<Diagnostic> {
    const KNOWN: &str = "0abt\tnvfre \"/\\N_LPxuU\r\n";
    let mut rest = source.get(at..)?.char_indices().skip_while(|(_, c)| *c != '\\');
    while let Some((i, c)) = rest.next() {
        if c != '\\' {
            continue;
        }
        let (_, escaped) = rest.next()?;
        if !KNOWN.contains(escaped) {
            let span = Span::new(id, (at + i) as u32, (at + i + 1 + escaped.len_utf8()) as u32);
            let message = format!("`\\{escaped}` means nothing inside double quotes");
            let help = format!("write `\\\\{escaped}`, or the whole value in '…', where a backslash is itself");
            return Some(error(span, message, help));
        }
    }
    None
}
