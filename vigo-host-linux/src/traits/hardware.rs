//! `hardware`: processors, memory and disks in short.

use super::cpu::{CPUINFO, model, online, threads};
use super::disks::{self, names, size_gb};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, int, kilobytes, list, path, read, read_at, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("hardware", probe, interpret);

const MEMINFO: &str = "/proc/meminfo";
const ONLINE: &str = "/sys/devices/system/cpu/online";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(ONLINE), read(CPUINFO), read(MEMINFO), list(disks::BLOCK)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let names = names(see);
    let sizes = names.iter().filter_map(|name| path(&format!("{}/{name}/size", disks::BLOCK))).map(read_at);
    let open = see.open(sizes.collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let cpuinfo = see.text(CPUINFO).unwrap_or_default();
    let count = see.text(ONLINE).and_then(|t| online(t.trim())).or_else(|| threads(&cpuinfo));
    let memory = see.text(MEMINFO).and_then(|t| kilobytes(&t, "MemTotal"));
    let disk = |name: &&str| fields([("name", Some(Value::text(*name))), ("size_gb", size_gb(see, name).map(int))]);
    Ok(Found::Value(fields([
        ("cpu_count", count.map(int)),
        ("memory_mb", memory.map(|kb| int(kb / 1024))),
        ("cpu_model", model(&cpuinfo).and_then(some)),
        ("disks", Some(Value::list(names.iter().map(disk)))),
    ])))
}
