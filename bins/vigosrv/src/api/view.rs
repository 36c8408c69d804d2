//! Values as JSON has them.

use serde_json::{Value, json};
use vigo_core::time::Timestamp;
use vigo_core::wire::message::Counts;

/// Returns a time as RFC 3339 has it.
pub(super) fn time(at: Timestamp) -> Value {
    at.to_string().into()
}

/// Returns a time, or null.
pub(super) fn time_or_null(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, time)
}

/// Returns numbers of outcomes.
pub(super) fn counts(counts: &Counts) -> Value {
    let Counts { ok, changed, failed, skipped, blocked, unknown } = counts;
    json!({
        "ok": ok, "changed": changed, "failed": failed, "skipped": skipped, "blocked": blocked, "unknown": unknown,
    })
}
