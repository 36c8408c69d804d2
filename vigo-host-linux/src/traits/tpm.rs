//! `tpm`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, read, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("tpm", probe, interpret);

const DEVICE: &str = "/sys/class/tpm/tpm0";
const MAJOR: &str = "/sys/class/tpm/tpm0/tpm_version_major";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![stat(DEVICE), read(MAJOR)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let version = see.text(MAJOR).map(|t| if t.trim() == "2" { "2.0" } else { "1.2" });
    let present = Some(Value::Bool(see.exists(DEVICE)));
    Ok(Found::Value(fields([("present", present), ("version", version.map(Value::text))])))
}
