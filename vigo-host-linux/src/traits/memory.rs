//! `memory` and `swap`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, kilobytes, read};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const MEMORY: Collector = Collector::quick("memory", probe, memory);
pub(super) const SWAP: Collector = Collector::quick("swap", probe, swap);

const MEMINFO: &str = "/proc/meminfo";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(MEMINFO)]
}

fn memory(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).need(MEMINFO)?;
    let total = kilobytes(&text, "MemTotal").ok_or("`/proc/meminfo` holds no `MemTotal`")?;
    let free = kilobytes(&text, "MemFree").unwrap_or(0);
    let available = kilobytes(&text, "MemAvailable").unwrap_or(free);
    let bytes = |kb: u64| kb.saturating_mul(1024);
    Ok(form::memory(bytes(total), bytes(free), bytes(available)))
}

fn swap(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).need(MEMINFO)?;
    let total = kilobytes(&text, "SwapTotal").unwrap_or(0);
    let free = kilobytes(&text, "SwapFree").unwrap_or(0);
    Ok(form::swap(total.saturating_mul(1024), total.saturating_sub(free).saturating_mul(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    #[test]
    fn used_leaves_out_what_gives_way() {
        let text = "MemTotal:        4096000 kB\nMemFree:          512000 kB\nMemAvailable:    3072000 kB\n\
                    SwapTotal:       2097148 kB\nSwapFree:        1048574 kB\n";
        let Ok(Found::Value(seen)) = memory(&Machine::default(), &answers(&[(MEMINFO, text)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.at("used_mb"), Some(&Value::Int(1000)));
        assert_eq!(seen.at("used_pct"), Some(&Value::Float(25.0)));
        let Ok(Found::Value(seen)) = swap(&Machine::default(), &answers(&[(MEMINFO, text)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.at("used_pct"), Some(&Value::Float(50.0)));
        assert!(memory(&Machine::default(), &answers(&[(MEMINFO, "nonsense")])).is_err());
    }
}
