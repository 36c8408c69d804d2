//! What time it is.

use std::time::{SystemTime, UNIX_EPOCH};
use vigo_core::time::Timestamp;

/// Returns the machine's clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_epoch_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
