//! `apparmor`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, OpOutput, Outputs};
use vigo_core::traits::see::{See, fields, int, read};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("apparmor", probe, interpret);

const ENABLED: &str = "/sys/module/apparmor/parameters/enabled";
const PROFILES: &str = "/sys/kernel/security/apparmor/profiles";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(ENABLED), read(PROFILES)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let enabled = see.text(ENABLED).is_some_and(|text| text.trim() == "Y");
    let count = |mode: &str| match see.path(PROFILES) {
        Some(OpOutput::File { content, .. }) => {
            let text = String::from_utf8_lossy(content);
            Some(int(text.lines().filter(|line| line.trim_end().ends_with(mode)).count() as u64))
        }
        Some(OpOutput::Failed(_)) => Some(Value::Null),
        _ => None,
    };
    Ok(Found::Value(fields([
        ("enabled", Some(Value::Bool(enabled))),
        ("profiles_enforce", count("(enforce)")),
        ("profiles_complain", count("(complain)")),
    ])))
}
