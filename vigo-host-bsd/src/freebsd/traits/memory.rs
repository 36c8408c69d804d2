//! `memory`, `swap`: sysctl(8), swapinfo(8).

use super::tools::Tools;
use crate::traits::sysctl::{Oids, ask};
use alloc::string::String;
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, run};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const MEMORY: Collector = Collector::slow("memory", |_| ask::<Tools>(MEMORY_OIDS), memory);
pub(super) const SWAP: Collector = Collector::slow("swap", |_| alloc::vec![run(SWAPINFO, SWAP_ARGS)], swap);

const MEMORY_OIDS: &[&str] = &[
    "hw.physmem",
    "hw.pagesize",
    "vm.stats.vm.v_free_count",
    "vm.stats.vm.v_inactive_count",
    "vm.stats.vm.v_laundry_count",
    "vm.stats.vm.v_cache_count",
];
const SWAPINFO: &str = "/usr/sbin/swapinfo";
const SWAP_ARGS: &[&str] = &["-k"];

/// What is inactive gives way to a new program.
fn memory(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<Tools>(outputs, MEMORY_OIDS)?;
    let total = oids.number("hw.physmem").ok_or("`sysctl` does not say `hw.physmem`")?;
    let page = oids.number("hw.pagesize").unwrap_or(4096);
    let bytes = |name: &str| oids.number(name).unwrap_or(0).saturating_mul(page);
    let free = bytes("vm.stats.vm.v_free_count");
    let gives_way = ["inactive", "laundry", "cache"]
        .iter()
        .map(|kind| bytes(&alloc::format!("vm.stats.vm.v_{kind}_count")))
        .fold(free, u64::saturating_add);
    Ok(form::memory(total, free, gives_way))
}

fn swap(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(SWAPINFO, SWAP_ARGS)?;
    if !text.starts_with("Device") {
        return Err("`swapinfo` says no devices".into());
    }
    let (mut total, mut used) = (0_u64, 0_u64);
    for line in text.lines().filter(|line| line.starts_with('/')) {
        let mut numbers = line.split_whitespace().skip(1).map(|word| word.parse::<u64>().unwrap_or(0));
        total = total.saturating_add(numbers.next().unwrap_or(0));
        used = used.saturating_add(numbers.next().unwrap_or(0));
    }
    Ok(form::swap(total.saturating_mul(1024), used.saturating_mul(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    fn value(collector: &Collector, line: &str, text: &str) -> Value {
        match (collector.interpret)(&Machine::default(), &answers(&[(line, text)])) {
            Ok(Found::Value(value)) => value,
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    #[test]
    fn what_gives_way_is_available() {
        let line = alloc::format!("run /sbin/sysctl -i {}", MEMORY_OIDS.join(" "));
        let text = "hw.physmem: 4294967296\nhw.pagesize: 4096\nvm.stats.vm.v_free_count: 131072\n\
                    vm.stats.vm.v_inactive_count: 131072\n";
        let seen = value(&MEMORY, &line, text);
        assert_eq!((seen.at("total_mb"), seen.at("free_mb")), (Some(&Value::Int(4096)), Some(&Value::Int(512))));
        assert_eq!(
            (seen.at("available_mb"), seen.at("used_pct")),
            (Some(&Value::Int(1024)), Some(&Value::Float(75.0)))
        );
        assert!((MEMORY.interpret)(&Machine::default(), &answers(&[(&line, "hw.physmem: much\n")])).is_err());
    }

    #[test]
    fn swap_is_the_sum_of_its_devices() {
        let line = "run /usr/sbin/swapinfo -k";
        let text = "Device          1K-blocks     Used    Avail Capacity\n/dev/ada0p3       2097152  1048576  1048576    50%\n\
                    /dev/ada1p3       2097152        0  2097152     0%\nTotal             4194304  1048576  3145728    25%\n";
        let seen = value(&SWAP, line, text);
        assert_eq!((seen.at("total_mb"), seen.at("used_pct")), (Some(&Value::Int(4096)), Some(&Value::Float(25.0))));
        assert!((SWAP.interpret)(&Machine::default(), &answers(&[(line, "no\n")])).is_err());
    }
}
