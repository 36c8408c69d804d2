//! `time`, `uptime`, `loadavg`.

use super::super::see::{fields, int};
use super::super::{Found, Machine};
use crate::time::Timestamp;
use crate::value::Value;
use alloc::string::ToString;

/// Returns area `time`.
pub fn time(machine: &Machine, timezone: Option<Value>) -> Found {
    Found::Value(fields([
        ("now", Some(Value::text(machine.now.to_string()))),
        ("epoch", Some(Value::Int(machine.now.epoch_secs()))),
        ("timezone", timezone),
        ("utc_offset_secs", Some(Value::Int(machine.utc_offset_secs.into()))),
        ("ntp_synced", machine.ntp_synced.map(Value::Bool)),
    ]))
}

/// Returns area `uptime` of a machine that was started then.
pub fn uptime(machine: &Machine, booted: Timestamp, boot_id: Option<Value>) -> Found {
    Found::Value(fields([
        ("seconds", Some(int(machine.now.since(booted).as_ms() / 1000))),
        ("boot_time", Some(Value::text(booted.to_string()))),
        ("boot_id", boot_id),
    ]))
}

/// Returns area `loadavg` of the numbers that are written first; `None` when the first word is none.
pub fn loadavg(text: &str) -> Option<Found> {
    let words = text.split_whitespace().filter(|word| !matches!(*word, "{" | "}"));
    let mut numbers = words.map(|word| word.parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Float));
    let mut next = || numbers.next().flatten();
    let one = next()?;
    Some(Found::Value(fields([("one", Some(one)), ("five", next()), ("fifteen", next())])))
}
