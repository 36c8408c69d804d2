//! `network` and `interfaces`: names and addresses.

use super::registry::{Key, query};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const NETWORK: Collector = Collector::slow("network", probe, network);
pub(super) const INTERFACES: Collector = Collector::quick("interfaces", nothing, interfaces);

const TCPIP: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters";

fn nothing(_: &Machine) -> Vec<Op> {
    Vec::new()
}

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![query(TCPIP)]
}

fn network(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let key = Key::read(outputs, TCPIP)?;
    let (name, domain) = (key.text("Hostname"), key.text("Domain"));
    let full = name.map(|name| domain.map_or_else(|| name.to_string(), |domain| format!("{name}.{domain}")));
    let name = name.ok_or("the registry holds no name of the machine")?;
    Ok(form::network(machine, form::Network { name, fqdn: full.as_deref(), ..form::Network::default() }))
}

fn interfaces(machine: &Machine, _: &Outputs) -> Result<Found, String> {
    let names: BTreeSet<&str> = machine.addresses.iter().map(|address| &*address.interface).collect();
    Ok(form::interfaces(
        machine,
        names.into_iter().map(|name| form::Link { name: name.into(), ..form::Link::default() }),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::registry::answers;
    use super::*;
    use vigo_core::traits::Address;
    use vigo_core::value::Value;

    #[test]
    fn names_are_of_the_registry_and_addresses_of_the_system() {
        let address =
            |name: &str, ip: &str, prefix| Address { interface: name.into(), ip: ip.parse().unwrap(), prefix };
        let machine = Machine {
            addresses: [("Ethernet", "192.0.2.7", 24), ("Ethernet", "2001:db8::7", 64), ("Loopback", "127.0.0.1", 8)]
                .map(|(name, ip, prefix)| address(name, ip, prefix))
                .to_vec(),
            ..Machine::default()
        };
        let out = "    Hostname    REG_SZ    web\r\n    Domain    REG_SZ    example.org\r\n";
        let Ok(Found::Value(seen)) = network(&machine, &answers(&[(TCPIP, out)])) else { panic!("expected a value") };
        assert_eq!(seen.at("fqdn").and_then(Value::as_str), Some("web.example.org"));
        assert_eq!(seen.at("ip_addresses.1").and_then(Value::as_str), Some("2001:db8::7"));
        assert_eq!(seen.at("ip_addresses.2"), None, "not the loopback");
        let Ok(Found::Value(seen)) = interfaces(&machine, &Outputs::default()) else { panic!("expected a value") };
        assert_eq!(seen.at("Ethernet.ipv4.0").and_then(Value::as_str), Some("192.0.2.7/24"));
    }
}
