//! What programs read.

use serde_json::Value;
use std::io::{self, Write};

/// Writes one JSON value.
pub(super) fn line(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}
