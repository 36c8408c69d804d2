//! `hardware` and `cpu`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, colon, fields, int, run, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const HARDWARE: Collector = Collector::slow("hardware", probe, hardware);
pub(super) const CPU: Collector = Collector::slow("cpu", probe, cpu);

const SYSCTL: &str = "/usr/sbin/sysctl";
const KEYS: [&str; 6] =
    ["hw.ncpu", "hw.physicalcpu", "hw.logicalcpu", "hw.packages", "hw.memsize", "machdep.cpu.brand_string"];

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(SYSCTL, &KEYS)]
}

/// Of keys that a machine does not have sysctl(8) complains and prints the others.
fn said(outputs: &Outputs) -> Result<String, String> {
    let ran = See(outputs).ran(SYSCTL, &KEYS).ok_or("`sysctl` was not run")?;
    let text = ran.out().into_owned();
    if colon(&text, KEYS[0]).is_none() { Err("`sysctl` tells no `hw.ncpu`".into()) } else { Ok(text) }
}

fn number(text: &str, key: &str) -> Option<u64> {
    colon(text, key)?.parse().ok()
}

fn hardware(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = said(outputs)?;
    Ok(Found::Value(fields([
        ("cpu_count", number(&text, KEYS[0]).map(int)),
        ("memory_mb", number(&text, KEYS[4]).map(|bytes| int(bytes >> 20))),
        ("cpu_model", colon(&text, KEYS[5]).and_then(some)),
    ])))
}

fn cpu(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = said(outputs)?;
    let model = colon(&text, KEYS[5]);
    let vendor = model.and_then(|m| ["Apple", "Intel"].into_iter().find(|vendor| m.starts_with(vendor)));
    Ok(Found::Value(fields([
        ("model", model.and_then(some)),
        ("vendor", vendor.map(Value::text)),
        ("sockets", number(&text, KEYS[3]).map(int)),
        ("cores", number(&text, KEYS[1]).map(int)),
        ("threads", number(&text, KEYS[2]).map(int)),
    ])))
}
