//! `cpu`: the processors.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, colon, fields, int, read, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const COLLECTOR: Collector = Collector::quick("cpu", probe, interpret);

pub(super) const CPUINFO: &str = "/proc/cpuinfo";
/// In kHz; what the processor does at most, unlike the speed of the moment.
const MAX: &str = "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(CPUINFO), read(MAX)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.need(CPUINFO)?;
    let threads = threads(&text);
    let max = see.text(MAX).and_then(|t| Some(t.trim().parse::<u64>().ok()? / 1000));
    let nominal = || colon(&text, "cpu MHz")?.split('.').next()?.parse().ok();
    let flags = colon(&text, "flags").or_else(|| colon(&text, "Features")).unwrap_or_default();
    let (sockets, cores) = topology(&text);
    Ok(Found::Value(fields([
        ("model", model(&text).and_then(some)),
        ("vendor", colon(&text, "vendor_id").or_else(|| colon(&text, "CPU implementer")).and_then(some)),
        ("sockets", Some(int(sockets.max(1)))),
        ("cores", Some(cores).filter(|n| *n > 0).or(threads).map(int)),
        ("threads", threads.map(int)),
        ("mhz", max.or_else(nominal).map(int)),
        ("flags", Some(sorted(flags.split_whitespace()))),
    ])))
}

/// Returns how many processors the list (`0-3,6`) of those in use names.
pub(super) fn online(list: &str) -> Option<u64> {
    let count = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(last.parse::<u64>().ok()?.checked_sub(first.parse().ok()?)?.saturating_add(1))
    };
    list.split(',').map(count).try_fold(0u64, |sum, n| Some(sum.saturating_add(n?)))
}

pub(super) fn threads(text: &str) -> Option<u64> {
    let count = text.lines().filter(|line| line.starts_with("processor")).count() as u64;
    (count > 0).then_some(count)
}

pub(super) fn model(text: &str) -> Option<&str> {
    ["model name", "Model", "cpu model", "Hardware", "cpu"].iter().find_map(|key| colon(text, key))
}

/// Returns sockets and cores: cores are counted by what tells them apart, a socket and a number in it.
fn topology(text: &str) -> (u64, u64) {
    let (mut sockets, mut cores) = (BTreeSet::new(), BTreeSet::new());
    for block in text.split("\n\n") {
        if let Some(socket) = colon(block, "physical id") {
            sockets.insert(socket);
            if let Some(core) = colon(block, "core id") {
                cores.insert((socket, core));
            }
        }
    }
    (sockets.len() as u64, cores.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    #[test]
    fn threads_of_one_core_are_one_core() {
        let one = |processor, core| {
            alloc::format!(
                "processor\t: {processor}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\ncpu MHz\t\t: 2100.123\n\
                 physical id\t: 0\ncore id\t\t: {core}\nflags\t\t: sse fpu\n\n"
            )
        };
        let text = [one(0, 0), one(1, 0), one(2, 1), one(3, 1)].concat();
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &answers(&[(CPUINFO, &text)])) else {
            panic!("expected a value")
        };
        let number = |field| seen.at(field).and_then(Value::as_int);
        assert_eq!((number("sockets"), number("cores"), number("threads")), (Some(1), Some(2), Some(4)));
        assert_eq!((number("mhz"), seen.at("flags.0")), (Some(2100), Some(&"fpu".into())));
    }

    #[test]
    fn lists_of_processors_are_counted() {
        let cases = [("0", Some(1)), ("0-3", Some(4)), ("0-3,6,8-9", Some(7)), ("", None), ("3-0", None), ("x", None)];
        for (list, expected) in cases {
            assert_eq!(online(list), expected, "{list}");
        }
    }
}
