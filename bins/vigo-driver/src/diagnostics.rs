//! What is wrong with a policy, as programs pass it on.

use serde_json::{Value, json};
use vigo_core::diagnostic::{Diagnostic, Severity, SourceMap};

/// Characters of a line that are passed on.
const LINE_CHARS_MAX: usize = 400;

/// How many of them stand before what is meant.
const CHARS_BEFORE: usize = 100;

/// Returns diagnostics as JSON: lines and columns from 1, and of each place the line that it begins in, for
/// [`crate::render`].
pub fn diagnostics_json(diagnostics: &[Diagnostic], map: &SourceMap) -> Vec<Value> {
    diagnostics.iter().map(|diagnostic| one(diagnostic, map)).collect()
}

/// Returns what is wrong as editors and other programs want it: the diagnostics without their source lines, and how many
/// there are.
pub fn document(diagnostics: &[Value]) -> Value {
    let (errors, warnings) = crate::count(diagnostics);
    let mut all = diagnostics.to_vec();
    let labels = all.iter_mut().filter_map(|d| d["labels"].as_array_mut()).flatten().filter_map(Value::as_object_mut);
    for label in labels {
        label.retain(|key, _| !matches!(&**key, "source" | "source_column" | "next"));
    }
    json!({ "diagnostics": all, "errors": errors, "warnings": warnings })
}

fn one(diagnostic: &Diagnostic, map: &SourceMap) -> Value {
    let severity = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // What is wrong with no file in particular has no place.
    let places: Vec<_> = diagnostic.labels.iter().filter(|l| map.file(l.span.file).is_some()).collect();
    let line_of = |at: usize| places.get(at).map(|l| (l.span.file, map.position(l.span.file, l.span.start).line));
    let lines: Vec<_> = (0..places.len()).filter_map(line_of).collect();
    let labels = places.iter().enumerate().filter_map(|(at, label)| {
        let file = map.file(label.span.file)?;
        let start = map.position(label.span.file, label.span.start);
        let end = map.position(label.span.file, label.span.end);
        let mut text = file.text.lines().skip(start.line.saturating_sub(1) as usize);
        let line = text.next().unwrap_or_default();
        let cut = match line.chars().nth(LINE_CHARS_MAX) {
            None => 0,
            Some(_) => (start.column as usize).saturating_sub(CHARS_BEFORE),
        };
        let mut json = json!({
            "file": &*file.path,
            "line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column,
            "text": label.text,
            "primary": at == 0,
            "source": line.chars().skip(cut).take(LINE_CHARS_MAX).collect::<String>(),
        });
        if cut > 0 {
            json["source_column"] = (cut + 1).into();
        }
        // The line between two others is shown, too.
        let next = text.next().filter(|next| next.len() <= LINE_CHARS_MAX);
        if let Some(next) = next.filter(|_| lines.contains(&(label.span.file, start.line + 2))) {
            json["next"] = next.into();
        }
        Some(json)
    });
    json!({
        "code": diagnostic.code.to_string(),
        "severity": severity,
        "message": diagnostic.message,
        "labels": labels.collect::<Vec<_>>(),
        "help": diagnostic.help,
    })
}
