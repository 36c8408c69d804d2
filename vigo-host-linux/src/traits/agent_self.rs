//! `agent_self`: what the agent itself uses. Which collectors failed is the driver's to add.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, int, kilobytes, list, list_at, path, read, read_at};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("agent_self", probe, interpret);

const STATUS: &str = "/proc/self/status";
const STAT: &str = "/proc/self/stat";
const FDS: &str = "/proc/self/fd";
const TASKS: &str = "/proc/self/task";
const UPTIME: &str = "/proc/uptime";

/// Ticks of the clock that start times are counted in, a second: USER_HZ, the same on every Linux.
const TICKS: u64 = 100;

/// Children whose descriptors are counted.
const CHILDREN_MAX: usize = 100;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(STATUS), read(STAT), read(UPTIME), list(FDS), list(TASKS)]
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let status = see.need(STATUS)?;
    let lists: Vec<_> =
        see.entries(TASKS).iter().filter_map(|e| path(&format!("{TASKS}/{}/children", e.path))).collect();
    let open = see.open(lists.iter().cloned().map(read_at).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let texts: Vec<_> = lists.iter().filter_map(|list| see.text(list.as_str())).collect();
    let children: Vec<&str> = texts.iter().flat_map(|t| t.split_whitespace()).collect();
    let folders: Vec<_> =
        children.iter().take(CHILDREN_MAX).filter_map(|pid| path(&format!("/proc/{pid}/fd"))).collect();
    let open = see.open(folders.iter().cloned().map(list_at).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let their_fds: usize = folders.iter().map(|folder| see.entries(folder.as_str()).len()).sum();
    let kb = |key| kilobytes(&status, key);
    Ok(Found::Value(fields([
        ("version", Some(Value::text(machine.version))),
        ("rss_bytes", kb("VmRSS").map(|kb| int(kb.saturating_mul(1024)))),
        ("vsz_bytes", kb("VmSize").map(|kb| int(kb.saturating_mul(1024)))),
        ("threads", kb("Threads").map(int)),
        ("open_fds", Some(int(see.entries(FDS).len() as u64))),
        ("descendants", Some(int(children.len() as u64))),
        ("descendant_open_fds", Some(int(their_fds as u64))),
        ("uptime_secs", age(&see.text(STAT).unwrap_or_default(), &see.text(UPTIME).unwrap_or_default()).map(int)),
    ])))
}

/// Returns how long a process has run: field 22 of its stat, proc(5), counts from boot.
fn age(stat: &str, uptime: &str) -> Option<u64> {
    let started: u64 = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    let now: u64 = uptime.split('.').next()?.parse().ok()?;
    Some(now.saturating_sub(started / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn sizes_are_bytes_and_never_too_large_to_be_told() {
        let status = "VmSize:\t    3000 kB\nVmRSS:\t18446744073709551615 kB\nThreads:\t4\n";
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &answers(&[(STATUS, status)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.at("vsz_bytes"), Some(&Value::Int(3_072_000)));
        assert_eq!(seen.at("rss_bytes"), Some(&Value::Int(i64::MAX)));
    }

    #[test]
    fn the_age_counts_from_behind_the_name() {
        let stat = "12 (a b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4200 20";
        assert_eq!(age(stat, "350735.47 234388.90"), Some(350_693));
        assert_eq!(age("12 (a) S", "1.0"), None);
    }
}
