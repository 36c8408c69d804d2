//! `time`: the clock.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};
use vigo_core::traits::see::{See, fields, read, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("time", probe, interpret);

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![Op::stat(&AbsPath::known("/etc/localtime")), read("/etc/timezone")]
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    Ok(Found::Value(fields([
        ("now", Some(Value::text(machine.now.to_string()))),
        ("epoch", Some(Value::Int(machine.now.epoch_secs()))),
        ("timezone", timezone(see)),
        ("utc_offset_secs", Some(Value::Int(machine.utc_offset_secs.into()))),
        ("ntp_synced", machine.ntp_synced.map(Value::Bool)),
    ])))
}

/// The link says what is in force; the file beside it, Debian's, may be stale. No link is UTC, localtime(5).
fn timezone(see: See<'_>) -> Option<Value> {
    let Some(meta) = see.meta("/etc/localtime") else { return Some(Value::text("UTC")) };
    let target = meta.target.as_deref().and_then(|t| t.split_once("zoneinfo/"));
    match target {
        Some((_, zone)) => some(zone),
        None => some(see.text("/etc/timezone")?.trim()),
    }
}
