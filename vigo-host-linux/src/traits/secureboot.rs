//! `secureboot`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, OpOutput, Outputs};
use vigo_core::traits::see::{See, fields, read, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("secureboot", probe, interpret);

const EFI: &str = "/sys/firmware/efi";
const VARIABLE: &str = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![stat(EFI), read(VARIABLE)]
}

/// A variable is four bytes of attributes and then its value, Documentation/filesystems/efivarfs.
fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let enabled = match see.path(VARIABLE) {
        Some(OpOutput::File { content, .. }) => content.get(4).map(|b| Value::Bool(*b == 1)),
        Some(OpOutput::Failed(_)) => Some(Value::Null),
        _ => Some(Value::Bool(false)),
    };
    let supported = see.exists(EFI) && see.exists(VARIABLE);
    Ok(Found::Value(fields([("supported", Some(Value::Bool(supported))), ("enabled", enabled)])))
}
