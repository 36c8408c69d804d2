//! `time`: the clock.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};
use vigo_core::traits::see::{See, read, some};
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("time", probe, interpret);

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![Op::stat(&AbsPath::known("/etc/localtime")), read("/etc/timezone")]
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    Ok(form::time(machine, timezone(See(outputs))))
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
