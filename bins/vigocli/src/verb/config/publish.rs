//! `vigocli config publish` and `rollback`.

use crate::output::{Answer, cell};
use serde_json::Value;

/// Says what was published.
pub(super) fn published(publish: Value) -> Answer {
    let classes = publish["classes"].as_array().map_or(&[][..], Vec::as_slice);
    let number = match classes.len() {
        1 => "1 class".to_owned(),
        many => format!("{many} classes"),
    };
    let text = format!("Published as {}: {number}.\n", cell(&publish, "id"));
    let diagnostics = publish["warnings"].as_array().cloned().unwrap_or_default();
    Answer { diagnostics, ..Answer::new(publish, text) }
}
