//! `memory`, `swap` of OpenBSD and NetBSD: vmstat(1), swapctl(8).

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::Outputs;
use vigo_core::traits::see::{See, run};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(crate) const MEMORY: Collector = Collector::slow("memory", |_| alloc::vec![run(VMSTAT, SUMS)], memory);
pub(crate) const SWAP: Collector = Collector::slow("swap", |_| alloc::vec![run(SWAPCTL, SUMMARY)], swap);

const VMSTAT: &str = "/usr/bin/vmstat";
const SUMS: &[&str] = &["-s"];
const SWAPCTL: &str = "/sbin/swapctl";
const SUMMARY: &[&str] = &["-s", "-k"];

/// Lines such as `   12345 pages free`. What is inactive gives way to a new program.
fn memory(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(VMSTAT, SUMS)?;
    let number = |what: &str| -> Option<u64> {
        text.lines().find_map(|line| line.trim().split_once(' ').filter(|(_, rest)| *rest == what)?.0.parse().ok())
    };
    let (Some(page), Some(managed)) = (number("bytes per page"), number("pages managed")) else {
        return Err("`vmstat -s` does not say how many pages there are".into());
    };
    let bytes = |what: &str| number(what).unwrap_or(0).saturating_mul(page);
    let free = bytes("pages free");
    Ok(form::memory(managed.saturating_mul(page), free, free.saturating_add(bytes("pages inactive"))))
}

/// `total: 1048319 1K-blocks allocated, 0 used, 1048319 available`.
fn swap(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let said = see.ran(SWAPCTL, SUMMARY).map(|ran| alloc::format!("{}\n{}", ran.out(), ran.err())).unwrap_or_default();
    if said.contains("no swap devices configured") {
        return Ok(form::swap(0, 0));
    }
    let text = see.output(SWAPCTL, SUMMARY)?;
    let words: Vec<&str> = text.split([' ', ',', '\n']).filter(|word| !word.is_empty()).collect();
    let before = |words: &[&str], what: &str| -> Option<u64> {
        let at = words.iter().position(|word| *word == what)?;
        words.get(at.checked_sub(1)?)?.parse().ok()
    };
    let (Some(total), Some(used)) = (before(&words, "1K-blocks"), before(&words, "used")) else {
        return Err("`swapctl` says no numbers".into());
    };
    Ok(form::swap(total.saturating_mul(1024), used.saturating_mul(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    fn value(collector: &Collector, line: &str, text: &str) -> Result<Value, String> {
        match (collector.interpret)(&Machine::default(), &answers(&[(line, text)])) {
            Ok(Found::Value(value)) => Ok(value),
            Err(why) => Err(why),
            other => panic!("{}: {other:?}", collector.area),
        }
    }

    #[test]
    fn what_gives_way_is_available() {
        let text = "        4096 bytes per page\n     1048576 pages managed\n      131072 pages free\n      300000 pages active\n      131072 pages inactive\n           0 pages being paged out\n";
        let seen = value(&MEMORY, "run /usr/bin/vmstat -s", text).unwrap();
        assert_eq!((seen.at("total_mb"), seen.at("free_mb")), (Some(&Value::Int(4096)), Some(&Value::Int(512))));
        assert_eq!(
            (seen.at("available_mb"), seen.at("used_pct")),
            (Some(&Value::Int(1024)), Some(&Value::Float(75.0)))
        );
        assert!(value(&MEMORY, "run /usr/bin/vmstat -s", "4096 bytes per page\n").is_err());
    }

    #[test]
    fn a_machine_without_swap_has_none_of_it() {
        let seen = |text| value(&SWAP, "run /sbin/swapctl -s -k", text);
        let some = seen("total: 1048576 1K-blocks allocated, 262144 used, 786432 available\n").unwrap();
        assert_eq!((some.at("total_mb"), some.at("used_pct")), (Some(&Value::Int(1024)), Some(&Value::Float(25.0))));
        let none = seen("no swap devices configured\n").unwrap();
        assert_eq!(none.at("total_mb"), Some(&Value::Int(0)));
        assert!(seen("total: many\n").is_err() && seen("").is_err());
    }
}
