//! `time`, `uptime` and `loadavg`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};
use vigo_core::time::Timestamp;
use vigo_core::traits::see::{See, colon, run, some};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const TIME: Collector = Collector::quick("time", time_probe, time);
pub(super) const UPTIME: Collector = Collector::slow("uptime", uptime_probe, uptime);
pub(super) const LOADAVG: Collector = Collector::slow("loadavg", load_probe, load);

const SYSCTL: &str = "/usr/sbin/sysctl";
const BOOT: [&str; 2] = ["kern.boottime", "kern.bootsessionuuid"];
const LOAD: [&str; 2] = ["-n", "vm.loadavg"];

fn time_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![Op::stat(&AbsPath::known("/etc/localtime"))]
}

fn time(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let target = See(outputs).meta("/etc/localtime").and_then(|meta| meta.target.as_deref());
    let zone = target.and_then(|t| t.split_once("zoneinfo/")).and_then(|(_, zone)| some(zone));
    Ok(form::time(machine, zone))
}

fn uptime_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(SYSCTL, &BOOT)]
}

/// `kern.boottime: { sec = 1683000000, usec = 0 } Tue …`.
fn uptime(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(SYSCTL, &BOOT)?;
    let booted = colon(&text, BOOT[0]).and_then(|v| v.split_once("sec = ")).map(|(_, rest)| rest);
    let booted = booted.and_then(|rest| rest.split([',', ' ']).next()?.parse::<i64>().ok());
    let booted = booted.ok_or("`kern.boottime` holds no number")?;
    Ok(form::uptime(machine, Timestamp::from_epoch_secs(booted), colon(&text, BOOT[1]).and_then(some)))
}

fn load_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(SYSCTL, &LOAD)]
}

/// `{ 1.50 1.40 1.30 }`.
fn load(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(SYSCTL, &LOAD)?;
    form::loadavg(&text).ok_or_else(|| "`vm.loadavg` holds no number".into())
}
