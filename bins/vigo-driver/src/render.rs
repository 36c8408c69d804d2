//! What is wrong with a policy, for people: the source lines with what is meant underlined.

use crate::text::shown;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::ops::Range;

/// Returns whether what is written there may be coloured: on a terminal, unless it is not wanted or `NO_COLOR` is set,
/// <https://no-color.org>.
pub fn has_colour(stream: &impl IsTerminal, unwanted: bool) -> bool {
    !unwanted && stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Renders diagnostics, as [`crate::diagnostics_json`] has them: each with its source lines, and at the end
/// how more is learnt about them.
pub fn render(diagnostics: &[Value], colour: bool) -> String {
    let mut text: String = diagnostics.iter().map(|diagnostic| format!("{}\n\n", one(diagnostic, colour))).collect();
    let mut codes: Vec<&str> = diagnostics.iter().filter_map(|d| d["code"].as_str()).filter(|c| is_code(c)).collect();
    codes.sort_unstable();
    codes.dedup();
    match codes[..] {
        [] => {}
        [code] => text.push_str(&format!("`vigocli explain {code}` says more about it\n")),
        [first, ..] => {
            text.push_str(&format!(
                "`vigocli explain {first}` says more about {first}, and so for {}\n",
                codes[1..].join(", ")
            ));
        }
    }
    text
}

/// Returns how many errors and warnings there are, and in how many files: `3 errors, 1 warning in 2 files`.
pub fn summary(diagnostics: &[Value]) -> String {
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let (errors, warnings) = count(diagnostics);
    let mut files: Vec<_> = diagnostics.iter().filter_map(|d| d["labels"][0]["file"].as_str()).collect();
    files.sort_unstable();
    files.dedup();
    let what = match (errors, warnings) {
        (_, 0) => plural(errors, "error"),
        (0, _) => plural(warnings, "warning"),
        _ => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    };
    if files.is_empty() { what } else { format!("{what} in {}", plural(files.len(), "file")) }
}

/// Returns how many of the diagnostics are errors, and how many are not.
pub fn count(diagnostics: &[Value]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|d| d["severity"] == "error").count();
    (errors, diagnostics.len() - errors)
}

/// Returns whether it is a code that has an explanation: what a server says of itself has others.
fn is_code(text: &str) -> bool {
    text.len() == 5 && text.starts_with(['E', 'W']) && text.bytes().skip(1).all(|b| b.is_ascii_digit())
}

/// The labels in one file, and its lines as far as they are known.
#[derive(Default)]
struct Excerpt<'v> {
    lines: BTreeMap<usize, Cow<'v, str>>,
    labels: Vec<(&'v Value, bool)>,
}

fn one(diagnostic: &Value, colour: bool) -> String {
    let text = |value: &Value| shown(value.as_str().unwrap_or_default()).into_owned();
    let level = match diagnostic["severity"].as_str() {
        Some("error") => Level::ERROR,
        Some("note") => Level::NOTE,
        _ => Level::WARNING,
    };
    let empty = Vec::new();
    let list = |name: &str| diagnostic[name].as_array().unwrap_or(&empty);
    // What is shown is owned here, so that the snippets can borrow it.
    let (message, code) = (text(&diagnostic["message"]), text(&diagnostic["code"]));
    let help: Vec<_> = list("help").iter().map(text).collect();
    let mut excerpts: Vec<(String, Excerpt<'_>)> = Vec::new();
    for label in list("labels") {
        let file = text(&label["file"]);
        let at = excerpts.iter().position(|(known, _)| *known == file).unwrap_or_else(|| {
            excerpts.push((file, Excerpt::default()));
            excerpts.len() - 1
        });
        if let Some((_, excerpt)) = excerpts.get_mut(at) {
            let line = number(&label["line"]);
            excerpt.lines.insert(line, source(label));
            if let Some(next) = label["next"].as_str() {
                excerpt.lines.entry(line + 1).or_insert_with(|| printable(next.into()));
            }
            excerpt.labels.push((label, label["primary"] == true));
        }
    }
    let texts: Vec<_> = excerpts.iter().map(|(file, excerpt)| (file, excerpt.text(), excerpt)).collect();
    let mut title = level.primary_title(message.as_str());
    if !code.is_empty() {
        title = title.id(code.as_str());
    }
    let mut group = Group::with_title(title);
    for (file, (first, text), excerpt) in &texts {
        let mut snippet = Snippet::source(text.as_str()).line_start(*first).path(file.as_str());
        for (label, is_primary) in &excerpt.labels {
            let kind = if *is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let line = number(&label["line"]);
            let before: usize = (*first..line).map(|at| excerpt.lines.get(&at).map_or(0, |l| l.len()) + 1).sum();
            let own = underlined(label, excerpt.lines.get(&line).map_or("", |l| l));
            let said = shown(label["text"].as_str().unwrap_or_default()).into_owned();
            snippet = snippet.annotation(kind.span(before + own.start..before + own.end).label(said));
        }
        group = group.element(snippet);
    }
    for help in &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

impl Excerpt<'_> {
    /// Returns the number of the first line, and the lines from there on; those that nothing is said of may be empty.
    fn text(&self) -> (usize, String) {
        let (Some((&first, _)), Some((&last, _))) = (self.lines.first_key_value(), self.lines.last_key_value()) else {
            return (1, String::new());
        };
        let lines: Vec<&str> = (first..=last).map(|at| self.lines.get(&at).map_or("", |line| line)).collect();
        (first, lines.join("\n"))
    }
}

/// Returns the line of a label. One that was cut at its beginning gets blanks there, so that columns stay.
fn source(label: &Value) -> Cow<'_, str> {
    let text = printable(label["source"].as_str().unwrap_or_default().into());
    match number(&label["source_column"]) - 1 {
        0 => text,
        cut => format!("{}{text}", " ".repeat(cut.min(LINE_BYTES_MAX))).into(),
    }
}

/// Bytes of a line that may be missing at its beginning.
const LINE_BYTES_MAX: usize = vigo_core::limits::FILE_BYTES_MAX;

/// Returns a number from 1.
fn number(value: &Value) -> usize {
    value.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1).clamp(1, LINE_BYTES_MAX)
}

/// Returns the bytes of the line to underline: columns count characters from 1; at least one, at most to the end.
fn underlined(label: &Value, line: &str) -> Range<usize> {
    let byte = |column: usize| line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at);
    let start = byte(number(&label["column"]));
    let is_one_line = label["line"] == label["end_line"];
    let end = if is_one_line { byte(number(&label["end_column"])) } else { line.trim_end().len() };
    start..end.max(byte(number(&label["column"]) + 1)).max(start)
}

/// Returns a line with a stand-in for each character that commands a terminal and is no picture already: columns stay.
fn printable(line: Cow<'_, str>) -> Cow<'_, str> {
    let is_command = |c: char| matches!(c, '\n' | '\u{80}'..='\u{9f}');
    if line.contains(is_command) { line.replace(is_command, "\u{fffd}").into() } else { line }
}
