//! The report for people: one line for each resource that is not ok, with its diff, then a summary.

use crate::text::shown as safe;
use std::borrow::Cow;
use std::io::{self, Write};
use vigo_core::converge::{Outcome, ResourceReport, RunOutcome, RunReport, SkipCause};

/// Writes the report of a run for people.
///
/// # Errors
/// Those of `out`.
pub fn write_report(out: &mut dyn Write, report: &RunReport, colour: bool) -> io::Result<()> {
    let paint = Paint { colour };
    for r in &report.resources {
        if shown(r) {
            resource(out, r, report, &paint)?;
        }
    }
    summary(out, report, &paint)
}

/// What is as it should be is not listed, unless there is something to say of it.
fn shown(r: &ResourceReport) -> bool {
    r.outcome != Outcome::Ok || !r.notes.is_empty()
}

fn resource(out: &mut dyn Write, r: &ResourceReport, report: &RunReport, paint: &Paint) -> io::Result<()> {
    let (word, style) = match &r.outcome {
        Outcome::Ok => ("ok", Style::Dim),
        Outcome::Changed if report.dry_run => ("would change", Style::Yellow),
        Outcome::Changed => ("changed", Style::Green),
        Outcome::Failed => ("failed", Style::Red),
        Outcome::Blocked => ("blocked", Style::Red),
        Outcome::Skipped(SkipCause::Cancelled) => ("not run", Style::Yellow),
        Outcome::Skipped(cause) => ("skipped", if cause.is_bad() { Style::Yellow } else { Style::Dim }),
        Outcome::Unknown { .. } => ("unknown", Style::Yellow),
    };
    write!(out, "{} {} ({})", paint.paint(style, &format!("{word:>12}")), safe(&r.id), r.type_name)?;
    if let Outcome::Unknown { because } = &r.outcome {
        write!(out, " because {because}")?;
    }
    // What a program said of it has lines of its own.
    let (cause, said) = r.cause.as_deref().map_or(("", ""), |cause| cause.split_once('\n').unwrap_or((cause, "")));
    if !cause.is_empty() {
        write!(out, ": {}", safe(cause))?;
    }
    if r.refreshed {
        write!(out, ", {}", if report.dry_run { "would be refreshed" } else { "refreshed" })?;
    }
    writeln!(out)?;
    for line in said.lines() {
        writeln!(out, "{:>14}| {}", "", safe(line))?;
    }
    for change in &r.changes {
        if r.diff.is_some() && change.field == "content" {
            continue;
        }
        writeln!(out, "{:>14}{}: {} -> {}", "", change.field, quoted(&change.before), quoted(&change.after))?;
    }
    if let Some(diff) = &r.diff {
        for line in diff.lines() {
            let style = match line.as_bytes().first() {
                Some(b'+') => Style::Green,
                Some(b'-') => Style::Red,
                Some(b'@') => Style::Cyan,
                _ => Style::Plain,
            };
            // Diffs are most of a long report.
            let line = safe(line);
            let line = paint.paint(style, &line);
            for part in ["              ", &*line, "\n"] {
                out.write_all(part.as_bytes())?;
            }
        }
    }
    if report.dry_run || !r.outcome.satisfies() {
        for op in &r.operations {
            writeln!(out, "{:>14}{}", "", paint.paint(Style::Dim, &format!("$ {}", safe(op))))?;
        }
    }
    for note in &r.notes {
        writeln!(out, "{:>14}note: {}", "", safe(note))?;
    }
    if let Some(help) = &r.help {
        writeln!(out, "{:>14}help: {}", "", safe(help))?;
    }
    if let Some(log) = &r.log {
        for line in log.lines() {
            writeln!(out, "{:>14}| {}", "", safe(line))?;
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    match text {
        "" => "(empty)".into(),
        t if t.contains('\n') => format!("({} lines)", t.lines().count()),
        t => safe(t).into_owned(),
    }
}

fn summary(out: &mut dyn Write, report: &RunReport, paint: &Paint) -> io::Result<()> {
    let c = report.counts;
    let changed = if report.dry_run { "would change" } else { "changed" };
    let parts = [
        (c.ok, "ok"),
        (c.changed, changed),
        (c.unknown, "unknown"),
        (c.failed, "failed"),
        (c.blocked, "blocked"),
        (c.skipped, "skipped"),
    ];
    let shown = parts.iter().filter(|(n, word)| *n > 0 || *word == "ok").map(|(n, word)| format!("{n} {word}"));
    let (title, style) = match report.outcome {
        RunOutcome::Converged if report.dry_run => ("Nothing to do", Style::Green),
        RunOutcome::Converged => ("Converged", Style::Green),
        RunOutcome::Drift => ("Drift", Style::Yellow),
        RunOutcome::NotConverged => ("Not converged", Style::Red),
    };
    let took = report.duration.as_ms() as f64 / 1000.0;
    writeln!(out, "{}: {} in {took:.2} s", paint.paint(style, title), shown.collect::<Vec<_>>().join(", "))
}

#[derive(Clone, Copy)]
enum Style {
    Plain,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn paint<'a>(&self, style: Style, text: &'a str) -> Cow<'a, str> {
        let code = match style {
            _ if !self.colour => return text.into(),
            Style::Plain => return text.into(),
            Style::Dim => "2",
            Style::Red => "31",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Cyan => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m").into()
    }
}
