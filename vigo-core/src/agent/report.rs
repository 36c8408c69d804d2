//! What the server gets to know of a run.

use crate::converge::{self, Outcome, RunOutcome, RunReport};
use crate::limits;
use crate::time::Timestamp;
use crate::wire::message::{Change, Counts, Report, ResourceReport};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// Bytes of a report's body: an envelope, less what stands around the body.
const BODY_BYTES_MAX: usize = limits::REQUEST_BYTES_MAX - 4096;

/// Bytes of a diff; more is no reading.
const DIFF_BYTES_MAX: usize = 64 << 10;

/// Bytes of any other text.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// Changes of one resource.
const CHANGES_MAX: usize = 100;

/// Which run a report is of.
pub(super) struct RunOf {
    pub(super) incarnation: u64,
    pub(super) seq: u64,
    pub(super) digest: [u8; 32],
    pub(super) observed: bool,
}

/// Returns whether a run is no report: nothing changed, would change, or failed.
pub fn is_quiet(report: &RunReport) -> bool {
    report.outcome == RunOutcome::Converged
        && report.counts.changed == 0
        && report.counts.unknown == 0
        && !report.resources.iter().any(|r| r.refreshed)
}

/// Returns how many resources came to what.
pub(super) fn counts_of(counts: &converge::Counts) -> Counts {
    let converge::Counts { ok, changed, failed, skipped, blocked, unknown } = *counts;
    Counts { ok, changed, failed, skipped, blocked, unknown }
}

/// Returns the report of a run, or of why there was none; cut to what fits into a request.
pub(super) fn report_of(run: &RunOf, started: Timestamp, outcome: &Result<impl AsRef<RunReport>, String>) -> Report {
    let mut report = Report {
        incarnation: run.incarnation,
        seq: run.seq,
        started_ms: started.epoch_ms(),
        bundle_digest: run.digest.to_vec(),
        observed: run.observed,
        ..Report::default()
    };
    let ran = match outcome {
        Ok(ran) => ran.as_ref(),
        Err(why) => {
            report.outcome = "fatal".into();
            report.error = cut(why, TEXT_BYTES_MAX);
            return report;
        }
    };
    report.duration_ms = ran.duration.as_ms();
    report.counts = Some(counts_of(&ran.counts));
    report.outcome = match ran.outcome {
        RunOutcome::Converged => "converged",
        RunOutcome::Drift => "drift",
        RunOutcome::NotConverged => "not converged",
    }
    .into();
    let mut left = BODY_BYTES_MAX - prost::Message::encoded_len(&report);
    for resource in ran.resources.iter().filter(|r| is_told(r)) {
        let told = told(resource, &ran.files);
        // The field's own tag and length.
        let bytes = prost::Message::encoded_len(&told) + 8;
        if report.left_out == 0 && bytes <= left {
            left -= bytes;
            report.resources.push(told);
        } else {
            report.left_out = report.left_out.saturating_add(1);
        }
    }
    report
}

/// Returns whether a resource stands in a report: those that are in order, and those that need not be looked at, do not.
fn is_told(resource: &converge::ResourceReport) -> bool {
    match resource.outcome {
        Outcome::Ok => resource.refreshed,
        Outcome::Skipped(cause) => cause.is_bad(),
        Outcome::Changed | Outcome::Failed | Outcome::Blocked | Outcome::Unknown { .. } => true,
    }
}

fn told(resource: &converge::ResourceReport, files: &[alloc::sync::Arc<str>]) -> ResourceReport {
    let text = |text: &Option<String>| text.as_deref().map_or(String::new(), |text| cut(text, TEXT_BYTES_MAX));
    let change = |c: &crate::resource::Change| Change {
        field: cut(&c.field, TEXT_BYTES_MAX),
        before: cut(&c.before, TEXT_BYTES_MAX),
        after: cut(&c.after, TEXT_BYTES_MAX),
    };
    let cause = match (&resource.outcome, &resource.cause) {
        (Outcome::Skipped(cause), None) => cause.word().to_string(),
        (Outcome::Unknown { because }, None) => alloc::format!("unknown because of {because}"),
        (_, cause) => text(cause),
    };
    let file = files.get(resource.place.file as usize);
    ResourceReport {
        id: resource.id.to_string(),
        type_name: resource.type_name.to_string(),
        outcome: resource.outcome.word().to_string(),
        changes: resource.changes.iter().take(CHANGES_MAX).map(change).collect::<Vec<_>>(),
        diff: resource.diff.as_deref().map_or(String::new(), |diff| cut(diff, DIFF_BYTES_MAX)),
        cause,
        help: text(&resource.help),
        log: text(&resource.log),
        duration_ms: resource.duration.as_ms(),
        place: file.map_or(String::new(), |file| alloc::format!("{file}:{}", resource.place.line)),
    }
}

/// Returns at most `max` bytes of a text, with a mark where more stood.
fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.into();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut kept: String = text.get(..end).unwrap_or_default().into();
    kept.push('…');
    kept
}
