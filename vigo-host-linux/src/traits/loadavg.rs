//! `loadavg`: how many wait for a processor.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, read};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::quick("loadavg", probe, interpret);

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read("/proc/loadavg")]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).need("/proc/loadavg")?;
    form::loadavg(&text).ok_or_else(|| "`/proc/loadavg` holds no number".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::traits::see::fields;
    use vigo_core::value::Value;

    #[test]
    fn only_numbers_are_loads() {
        let Ok(Found::Value(seen)) =
            interpret(&Machine::default(), &answers(&[("/proc/loadavg", "0.25 NaN inf 1/80 7\n")]))
        else {
            panic!("expected a value")
        };
        assert_eq!(seen, fields([("one", Some(Value::Float(0.25)))]));
    }
}
