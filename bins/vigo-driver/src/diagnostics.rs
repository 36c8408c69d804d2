//! What is wrong with a policy, as programs pass it on.

use serde_json::{Value, json};
use vigo_core::diagnostic::{Diagnostic, Severity, SourceMap};

/// Characters of a line that are passed on.
const LINE_CHARS_MAX: usize = 500;

/// Returns diagnostics as JSON: lines and columns from 1, and of each place the line that it begins in.
pub fn diagnostics_json(diagnostics: &[Diagnostic], map: &SourceMap) -> Vec<Value> {
    diagnostics.iter().map(|diagnostic| one(diagnostic, map)).collect()
}

fn one(diagnostic: &Diagnostic, map: &SourceMap) -> Value {
    let severity = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let labels = diagnostic.labels.iter().enumerate().filter_map(|(at, label)| {
        // What is wrong with no file in particular has no place.
        let file = map.file(label.span.file)?;
        let start = map.position(label.span.file, label.span.start);
        let end = map.position(label.span.file, label.span.end);
        let line = file.text.lines().nth(start.line.saturating_sub(1) as usize).unwrap_or_default();
        Some(json!({
            "file": &*file.path,
            "line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column,
            "text": label.text,
            "primary": at == 0,
            "source": line.chars().take(LINE_CHARS_MAX).collect::<String>(),
        }))
    });
    json!({
        "code": diagnostic.code.to_string(),
        "severity": severity,
        "message": diagnostic.message,
        "labels": labels.collect::<Vec<_>>(),
        "help": diagnostic.help,
    })
}
