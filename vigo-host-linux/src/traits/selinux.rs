//! `selinux`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, assigned, fields, read, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("selinux", probe, interpret);

const ENFORCE: &str = "/sys/fs/selinux/enforce";
const CONFIG: &str = "/etc/selinux/config";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(ENFORCE), read(CONFIG)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let mode = match see.text(ENFORCE) {
        Some(text) if text.trim() == "1" => "enforcing",
        Some(_) => "permissive",
        None => "disabled",
    };
    let config = see.text(CONFIG).unwrap_or_default();
    Ok(Found::Value(fields([
        ("enabled", Some(Value::Bool(mode != "disabled"))),
        ("mode", Some(Value::text(mode))),
        ("policy", assigned(&config, "SELINUXTYPE").and_then(some)),
    ])))
}
