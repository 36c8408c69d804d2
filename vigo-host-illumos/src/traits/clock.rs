//! `time`, `uptime`, `loadavg` and `locale`.

use super::kstat::{ask, counter};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::time::Timestamp;
use vigo_core::traits::see::{See, assigned, fields, read, some};
use vigo_core::traits::{Collector, Found, Machine, form};
use vigo_core::value::Value;

pub(super) const TIME: Collector = Collector::quick("time", |_| alloc::vec![read(INIT)], time);
pub(super) const UPTIME: Collector = Collector::slow("uptime", probe, uptime);
pub(super) const LOADAVG: Collector = Collector::slow("loadavg", probe, load);

pub(super) const LOCALE: Collector = Collector::quick("locale", |_| alloc::vec![read(INIT)], locale).of_image();

const INIT: &str = "/etc/default/init";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![ask()]
}

fn time(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).text(INIT).unwrap_or_default();
    Ok(form::time(machine, assigned(&text, "TZ").and_then(some)))
}

/// Without a setting it is `C`, init(8).
fn locale(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).text(INIT).unwrap_or_default();
    let lang = ["LC_ALL", "LANG"].iter().find_map(|key| assigned(&text, key)).filter(|lang| !lang.is_empty());
    Ok(form::locale(lang.unwrap_or("C")))
}

fn uptime(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let booted = i64::try_from(counter(outputs, "boot_time")?).map_err(|_| "`boot_time` is no time")?;
    Ok(form::uptime(machine, Timestamp::from_epoch_secs(booted), None))
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
