//! `time`, `uptime` and `loadavg`.

use super::kstat::{ask, counter};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::time::Timestamp;
use vigo_core::traits::see::{See, assigned, fields, int, read, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const TIME: Collector = Collector::quick("time", |_| alloc::vec![read(INIT)], time);
pub(super) const UPTIME: Collector = Collector::slow("uptime", probe, uptime);
pub(super) const LOADAVG: Collector = Collector::slow("loadavg", probe, load);

const INIT: &str = "/etc/default/init";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![ask()]
}

fn time(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).text(INIT).unwrap_or_default();
    Ok(Found::Value(fields([
        ("now", Some(Value::text(machine.now.to_string()))),
        ("epoch", Some(Value::Int(machine.now.epoch_secs()))),
        ("timezone", assigned(&text, "TZ").and_then(some)),
        ("utc_offset_secs", Some(Value::Int(machine.utc_offset_secs.into()))),
        ("ntp_synced", machine.ntp_synced.map(Value::Bool)),
    ])))
}

fn uptime(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let booted = i64::try_from(counter(outputs, "boot_time")?).map_err(|_| "`boot_time` is no time")?;
    let seconds = u64::try_from(machine.now.epoch_secs().saturating_sub(booted)).unwrap_or(0);
    let boot_time = Value::text(Timestamp::from_epoch_secs(booted).to_string());
    Ok(Found::Value(fields([("seconds", Some(int(seconds))), ("boot_time", Some(boot_time))])))
}

/// The kernel counts in parts of 256.
fn load(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let of = |name: &str| counter(outputs, name).map(|n| Some(Value::Float(n.min(1 << 40) as f64 / 256.0)));
    Ok(Found::Value(fields([
        ("one", of("avenrun_1min")?),
        ("five", of("avenrun_5min")?),
        ("fifteen", of("avenrun_15min")?),
    ])))
}
