//! `interfaces`: network interfaces.

use super::network::{INTERFACES_MAX, NET};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, list, path, read_at};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::quick("interfaces", probe, interpret);

const FILES: &[&str] = &["address", "mtu", "flags"];

/// IFF_UP, netdevice(7).
const UP: u32 = 1;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![list(NET)]
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    // `bonding_masters` is a file beside them.
    let names: Vec<&str> =
        see.entries(NET).iter().filter(|e| e.meta.target.is_some()).map(|e| &*e.path).take(INTERFACES_MAX).collect();
    let asked =
        names.iter().flat_map(|name| FILES.iter().filter_map(move |file| path(&format!("{NET}/{name}/{file}"))));
    let open = see.open(asked.map(read_at).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let one = |name: &str| {
        let at = |file: &str| format!("{NET}/{name}/{file}");
        let flags = see.text(&at("flags")).and_then(|t| u32::from_str_radix(t.trim().strip_prefix("0x")?, 16).ok());
        form::Link {
            name: name.into(),
            mac: see.value(&at("address")),
            mtu: see.number(&at("mtu")),
            up: flags.map(|flags| flags & UP != 0),
        }
    };
    Ok(form::interfaces(machine, names.iter().copied().map(one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::traits::Address;
    use vigo_core::value::Value;

    #[test]
    fn addresses_go_to_their_interface() {
        let outputs = answers(&[
            ("/sys/class/net/", "bonding_masters eth0@x"),
            ("/sys/class/net/eth0/address", "52:54:00:12:34:56\n"),
            ("/sys/class/net/eth0/mtu", "1500\n"),
            ("/sys/class/net/eth0/flags", "0x1003\n"),
        ]);
        let address = |interface: &str, ip: &str, prefix| Address {
            interface: interface.into(),
            ip: ip.parse().unwrap(),
            prefix,
        };
        let addresses =
            [address("eth0", "10.0.0.5", 24), address("eth0", "fe80::1", 64), address("lo", "127.0.0.1", 8)];
        let machine = Machine { addresses: addresses.into(), ..Machine::default() };
        let Ok(Found::Value(seen)) = interpret(&machine, &outputs) else { panic!("expected a value") };
        assert_eq!(seen.as_map().unwrap().len(), 1);
        assert_eq!(seen.at("eth0.up"), Some(&Value::Bool(true)));
        assert_eq!(seen.at("eth0.mtu"), Some(&Value::Int(1500)));
        assert_eq!(seen.at("eth0.ipv4"), Some(&Value::list(["10.0.0.5/24".into()])));
        assert_eq!(seen.at("eth0.ipv6"), Some(&Value::list(["fe80::1/64".into()])));
    }
}
