//! Diagnostics with their source lines.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};
use vigo_core::diagnostic::{Diagnostic, Severity, SourceMap, Span};

/// Renders a diagnostic: message, source lines underlined, help.
pub(super) fn render(diagnostic: &Diagnostic, map: &SourceMap, colour: bool) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let code = diagnostic.code.to_string();
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(code.as_str()));
    let mut files: Vec<_> = diagnostic.labels.iter().map(|l| l.span.file).collect();
    files.dedup();
    files.sort_unstable_by_key(|f| diagnostic.labels.iter().position(|l| l.span.file == *f));
    files.dedup();
    for id in files {
        let Some(file) = map.file(id) else { continue };
        let mut snippet = Snippet::source(&*file.text).path(&*file.path);
        for (i, label) in diagnostic.labels.iter().enumerate().filter(|(_, l)| l.span.file == id) {
            let kind = if i == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            snippet = snippet.annotation(kind.span(visible(label.span, &file.text)).label(label.text.as_str()));
        }
        group = group.element(snippet);
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// Returns the bytes to underline: of a span over several lines the first line, and at least one character.
fn visible(span: Span, text: &str) -> core::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start as usize);
    let end = floor(span.end as usize).max(start);
    let line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    let end = end.min(line_end);
    if end > start { start..end } else { start..text[start..].chars().next().map_or(start, |c| start + c.len_utf8()) }
}

/// Returns the closing line: how many of each.
pub(super) fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.severity() == Severity::Error).count();
    let warnings = diagnostics.len() - errors;
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match warnings {
        0 => plural(errors, "error"),
        _ => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

/// Returns an error that is not in the tree, in the form of [`json`].
pub(super) fn json_without_place(message: &str, help: Option<String>) -> Value {
    let help = Vec::from_iter(help);
    let one = json!({"code": null, "severity": "error", "message": message, "labels": [], "help": help});
    json!({"diagnostics": [one], "errors": 1, "warnings": 0})
}

/// Returns the diagnostics for programs: lines and columns from 1.
pub(super) fn json(diagnostics: &[Diagnostic], map: &SourceMap) -> Value {
    let errors = diagnostics.iter().filter(|d| d.severity() == Severity::Error).count();
    json!({
        "diagnostics": vigo_driver::diagnostics_json(diagnostics, map),
        "errors": errors,
        "warnings": diagnostics.len() - errors,
    })
}
