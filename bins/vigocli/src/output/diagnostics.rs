//! What is wrong with a policy, with its source lines.

use super::text::shown;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::Value;
use std::ops::Range;

/// Renders diagnostics, as `vigo_driver::diagnostics_json` has them.
pub(crate) fn render(diagnostics: &[Value]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{}\n\n", one(diagnostic))).collect()
}

/// Returns how many of the diagnostics are errors, and how many are not.
pub(crate) fn count(diagnostics: &[Value]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|d| d["severity"] == "error").count();
    (errors, diagnostics.len() - errors)
}

fn one(diagnostic: &Value) -> String {
    let text = |value: &Value| shown(value.as_str().unwrap_or_default()).into_owned();
    let level = match diagnostic["severity"].as_str() {
        Some("error") => Level::ERROR,
        Some("note") => Level::NOTE,
        _ => Level::WARNING,
    };
    let (message, code) = (text(&diagnostic["message"]), text(&diagnostic["code"]));
    let empty = Vec::new();
    let list = |name: &str| diagnostic[name].as_array().unwrap_or(&empty);
    // What is shown is owned here, so that the snippets can borrow it.
    let labels: Vec<_> =
        list("labels").iter().map(|l| (text(&l["file"]), text(&l["source"]), text(&l["text"]), l)).collect();
    let help: Vec<_> = list("help").iter().map(text).collect();
    let mut title = level.primary_title(message.as_str());
    if !code.is_empty() {
        title = title.id(code.as_str());
    }
    let mut group = Group::with_title(title);
    for (file, source, said, label) in &labels {
        let kind = if label["primary"] == true { AnnotationKind::Primary } else { AnnotationKind::Context };
        let line = label["line"].as_u64().and_then(|line| usize::try_from(line).ok()).unwrap_or(1);
        let annotation = kind.span(underlined(label, source)).label(said.as_str());
        group =
            group.element(Snippet::source(source.as_str()).line_start(line).path(file.as_str()).annotation(annotation));
    }
    for help in &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Renderer::plain().render(&[group])
}

/// Returns the bytes of the line to underline: columns count characters from 1; at least one, at most to the end.
fn underlined(label: &Value, line: &str) -> Range<usize> {
    let column = |name: &str| label[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1) - 1;
    let byte = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let start = byte(column("column"));
    let end = if label["line"] == label["end_line"] { byte(column("end_column")) } else { line.len() };
    start..end.max(byte(column("column") + 1)).max(start)
}
