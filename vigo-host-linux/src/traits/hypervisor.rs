//! `hypervisor`: whether this machine has guests.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, run, some, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::slow("hypervisor", probe, interpret);

const VIRSH: &str = "/usr/bin/virsh";
const LIST: &[&str] = &["--readonly", "-c", "qemu:///system", "list", "--all"];
const VERSION: &[&str] = &["--version"];

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![stat("/dev/kvm"), stat("/run/libvirt"), stat(VIRSH)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let libvirt = see.is_dir("/run/libvirt") && see.exists(VIRSH);
    if libvirt {
        let open = see.open(alloc::vec![run(VIRSH, LIST), run(VIRSH, VERSION)]);
        if !open.is_empty() {
            return Ok(Found::Ask(open));
        }
    }
    let guests = match see.output(VIRSH, LIST) {
        Ok(text) => Value::list(text.lines().filter_map(guest)),
        Err(_) if libvirt => Value::Null,
        Err(_) => Value::list([]),
    };
    let version = see.output(VIRSH, VERSION).ok().and_then(|t| some(t.trim()));
    Ok(Found::Value(fields([
        ("libvirt", Some(Value::Bool(libvirt))),
        ("kvm", Some(Value::Bool(see.exists("/dev/kvm")))),
        ("version", version),
        ("guests", Some(guests)),
    ])))
}

/// ` 3    web     running`; one that is off has `-` for its number.
fn guest(line: &str) -> Option<Value> {
    let mut words = line.split_whitespace();
    let number = words.next()?;
    let name = words.next()?;
    let state: Vec<&str> = words.collect();
    if number != "-" && number.parse::<u32>().is_err() {
        return None;
    }
    Some(fields([("name", some(name)), ("state", some(&state.join(" ")))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_have_names_and_states() {
        let text = " Id   Name      State\n--------------------\n 3    web       running\n -    old       shut off\n\n";
        let seen: Vec<Value> = text.lines().filter_map(guest).collect();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1].at("state"), Some(&"shut off".into()));
    }
}
