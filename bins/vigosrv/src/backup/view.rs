//! What programs are told of a backup.

use super::read::counts;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use vigo_core::backup::Manifest;
use vigo_core::hex;
use vigo_core::time::Timestamp;

/// Returns what a backup is.
pub fn summary(file: &Path, manifest: &Manifest) -> Value {
    let counts = counts(manifest);
    let part = |part: &vigo_core::backup::Part| (part.word().to_owned(), json!(counts.get(part).unwrap_or(&0)));
    json!({
        "file": file.display().to_string(),
        "bytes": fs::metadata(file).map(|meta| meta.len()).ok(),
        "id": hex::encode(manifest.id),
        "created_at": time(manifest.created_at),
        "program": manifest.program,
        "schema": manifest.schema,
        "fleet": manifest.fleet(),
        "root_key": hex::encode(manifest.root.as_bytes()),
        "has_root_key": manifest.has_root,
        "publish": manifest.live,
        "envoys": manifest.envoys,
        "host": manifest.host,
        "audit": { "id": manifest.audit.id, "hash": hex::encode(manifest.audit.hash) },
        "newest_at": time(manifest.newest_at),
        "parts": manifest.parts.iter().map(part).collect::<serde_json::Map<_, _>>(),
        "unpacked_bytes": manifest.total_bytes(),
        "left_out": manifest.left_out,
    })
}

/// Returns a time as text, RFC 3339.
pub(super) fn time(at: Timestamp) -> Value {
    jiff::Timestamp::from_millisecond(at.epoch_ms()).map_or(Value::Null, |at| at.to_string().into())
}
