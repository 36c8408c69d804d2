//! `memory`, `swap`.

use super::super::Found;
use super::super::see::{fields, int, percent};

/// Returns area `memory` of numbers of bytes. What is not `available` to a new program is used: caches that give way
/// do not count.
pub fn memory(total: u64, free: u64, available: u64) -> Found {
    let available = available.min(total);
    let used = total - available;
    Found::Value(fields([
        ("total_mb", Some(int(total >> 20))),
        ("used_mb", Some(int(used >> 20))),
        ("free_mb", Some(int(free >> 20))),
        ("available_mb", Some(int(available >> 20))),
        ("used_pct", Some(percent(used, total))),
    ]))
}

/// Returns area `swap` of numbers of bytes.
pub fn swap(total: u64, used: u64) -> Found {
    Found::Value(fields([
        ("total_mb", Some(int(total >> 20))),
        ("used_mb", Some(int(used >> 20))),
        ("free_mb", Some(int(total.saturating_sub(used) >> 20))),
        ("used_pct", Some(percent(used, total))),
    ]))
}
