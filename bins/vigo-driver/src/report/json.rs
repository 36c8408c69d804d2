//! The report of a run for programs.

use serde_json::{Value, json};
use vigo_core::converge::{Outcome, ResourceReport, RunOutcome, RunReport};

/// Returns the report as one JSON object.
pub fn report_json(report: &RunReport) -> Value {
    let c = report.counts;
    // A plan has changed nothing; its own words come on top, so that programs find the same keys in both.
    let (changed, would_change) = if report.dry_run { (0, c.changed) } else { (c.changed, 0) };
    let mut counts = json!({
        "ok": c.ok, "changed": changed, "failed": c.failed, "skipped": c.skipped, "blocked": c.blocked,
    });
    if report.dry_run {
        counts["would_change"] = would_change.into();
        counts["unknown"] = c.unknown.into();
    }
    let outcome = match report.outcome {
        RunOutcome::Converged => "converged",
        RunOutcome::Drift => "drift",
        RunOutcome::NotConverged => "not_converged",
    };
    json!({
        "outcome": outcome,
        "dry_run": report.dry_run,
        "counts": counts,
        "duration_ms": report.duration.as_ms(),
        "resources": report.resources.iter().map(|r| resource(r, report)).collect::<Vec<_>>(),
    })
}

fn resource(r: &ResourceReport, report: &RunReport) -> Value {
    let outcome = match &r.outcome {
        Outcome::Changed if report.dry_run => "would_change",
        other => other.word(),
    };
    let changes: Vec<Value> =
        r.changes.iter().map(|c| json!({"field": c.field, "before": c.before, "after": c.after})).collect();
    let reason = match &r.outcome {
        Outcome::Skipped(cause) => Some(cause.word().to_string()),
        Outcome::Unknown { because } => Some(format!("unknown because {because}")),
        _ => None,
    };
    let file = report.files.get(r.place.file as usize).map(|f| &**f);
    json!({
        "id": &*r.id,
        "type": &*r.type_name,
        "outcome": outcome,
        "changes": changes,
        "operations": r.operations,
        "diff": r.diff,
        "cause": r.cause,
        "reason": reason,
        "help": r.help,
        "log": r.log,
        "notes": r.notes,
        "refreshed": r.refreshed,
        "file": file,
        "line": r.place.line,
        "duration_ms": r.duration.as_ms(),
    })
}
