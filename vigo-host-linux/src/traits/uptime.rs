//! `uptime`: since when the machine runs.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::time::Timestamp;
use vigo_core::traits::see::{See, fields, int, read};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("uptime", probe, interpret);

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read("/proc/uptime"), read("/proc/stat"), read("/proc/sys/kernel/random/boot_id")]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let uptime = see.need("/proc/uptime")?;
    let seconds =
        uptime.split(['.', ' ']).next().and_then(|s| s.parse().ok()).ok_or("`/proc/uptime` holds no number")?;
    let stat = see.text("/proc/stat").unwrap_or_default();
    let booted = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
    Ok(Found::Value(fields([
        ("seconds", Some(int(seconds))),
        ("boot_time", booted.map(|s| Value::text(Timestamp::from_epoch_secs(s).to_string()))),
        ("boot_id", see.value("/proc/sys/kernel/random/boot_id")),
    ])))
}
