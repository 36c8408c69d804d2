//! `time`, `uptime`, `memory`, `swap`, `agent_self`: what changes from run to run.

use super::registry::{Key, query};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const TIME: Collector = Collector::slow("time", probe_zone, time);
pub(super) const UPTIME: Collector = Collector::quick("uptime", nothing, uptime);
pub(super) const MEMORY: Collector = Collector::quick("memory", nothing, memory);
pub(super) const SWAP: Collector = Collector::quick("swap", nothing, swap);
pub(super) const AGENT_SELF: Collector =
    Collector::quick("agent_self", nothing, |machine, _| Ok(form::agent_self(machine)));

const ZONE: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation";

fn nothing(_: &Machine) -> Vec<Op> {
    Vec::new()
}

fn probe_zone(_: &Machine) -> Vec<Op> {
    alloc::vec![query(ZONE)]
}

/// The zone has the system's own name, `W. Europe Standard Time`.
fn time(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let zone = Key::read(outputs, ZONE).unwrap_or_default();
    Ok(form::time(machine, zone.value("TimeZoneKeyName").or_else(|| zone.value("StandardName"))))
}

fn uptime(machine: &Machine, _: &Outputs) -> Result<Found, String> {
    let booted = machine.booted.ok_or("the system does not say when it was started")?;
    Ok(form::uptime(machine, booted, None))
}

fn memory(machine: &Machine, _: &Outputs) -> Result<Found, String> {
    let memory = machine.memory.ok_or("the system does not say how much there is")?;
    Ok(form::memory(memory.total_bytes, memory.available_bytes, memory.available_bytes))
}

fn swap(machine: &Machine, _: &Outputs) -> Result<Found, String> {
    let memory = machine.memory.ok_or("the system does not say how much there is")?;
    let used = memory.swap_total_bytes.saturating_sub(memory.swap_free_bytes);
    Ok(form::swap(memory.swap_total_bytes, used))
}

#[cfg(test)]
mod tests {
    use super::super::registry::answers;
    use super::*;
    use vigo_core::time::Timestamp;
    use vigo_core::traits::Memory;
    use vigo_core::value::Value;

    fn seen(found: Result<Found, String>) -> Value {
        match found {
            Ok(Found::Value(value)) => value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_system_says_is_told_and_what_it_does_not_is_an_error() {
        let memory_said =
            Memory { total_bytes: 4096 << 20, available_bytes: 1024 << 20, swap_total_bytes: 0, swap_free_bytes: 0 };
        let machine = Machine {
            now: Timestamp::from_epoch_secs(1_000_000),
            booted: Some(Timestamp::from_epoch_secs(999_000)),
            memory: Some(memory_said),
            ..Machine::default()
        };
        let nothing = Outputs::default();
        assert_eq!(seen(memory(&machine, &nothing)).at("used_pct"), Some(&Value::Float(75.0)));
        assert_eq!(seen(swap(&machine, &nothing)).at("used_pct"), Some(&Value::Float(0.0)));
        assert_eq!(seen(uptime(&machine, &nothing)).at("seconds"), Some(&Value::Int(1000)));
        for area in [memory, swap, uptime] {
            assert!(area(&Machine::default(), &nothing).is_err());
        }
    }

    #[test]
    fn the_zone_is_left_out_where_it_is_not_told() {
        let out = "\r\n    TimeZoneKeyName    REG_SZ    W. Europe Standard Time\r\n";
        let told = seen(time(&Machine::default(), &answers(&[(ZONE, out)])));
        assert_eq!(told.at("timezone").and_then(Value::as_str), Some("W. Europe Standard Time"));
        assert_eq!(seen(time(&Machine::default(), &Outputs::default())).at("timezone"), None);
    }
}
