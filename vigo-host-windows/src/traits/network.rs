//! `network` and `interfaces`: names and addresses.

use super::registry::{Key, keys, query, query_below};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{fields, listed};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const NETWORK: Collector = Collector::slow("network", probe, network);
pub(super) const INTERFACES: Collector = Collector::quick("interfaces", nothing, interfaces);

pub(super) const DNS: Collector = Collector::slow("dns", |_| alloc::vec![query(TCPIP), query_below(ADAPTERS)], dns);

/// Servers that are told of.
const SERVERS_MAX: usize = 100;

const TCPIP: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters";

/// A key for each adapter.
const ADAPTERS: &str = "HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces";

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

/// Servers that somebody has set for an adapter stand before those that it was given.
fn dns(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let key = Key::read(outputs, TCPIP)?;
    let adapters = keys(outputs, &query_below(ADAPTERS), ADAPTERS)?;
    let mut servers: Vec<&str> = Vec::new();
    for (_, adapter) in &adapters {
        let list = ["NameServer", "DhcpNameServer"].iter().find_map(|name| adapter.text(name)).unwrap_or_default();
        for server in list.split([',', ' ']).filter(|server| !server.is_empty()) {
            if !servers.contains(&server) && servers.len() < SERVERS_MAX {
                servers.push(server);
            }
        }
    }
    let search = ["SearchList", "Domain", "DhcpDomain"].iter().find_map(|name| key.text(name)).unwrap_or_default();
    let search = search.split([',', ' ']).filter(|domain| !domain.is_empty());
    Ok(Found::Value(fields([("nameservers", Some(listed(servers))), ("search", Some(listed(search)))])))
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
    fn servers_that_were_set_stand_before_those_that_were_given() {
        let adapters = "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces\\{A}\r\n    \
            NameServer    REG_SZ    \r\n    DhcpNameServer    REG_SZ    192.0.2.1 192.0.2.2\r\n\r\n\
            HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters\\Interfaces\\{B}\r\n    \
            NameServer    REG_SZ    192.0.2.9,192.0.2.1\r\n    DhcpNameServer    REG_SZ    192.0.2.3\r\n";
        let mut outputs = answers(&[(TCPIP, "    SearchList    REG_SZ    a.b,c.d\r\n")]);
        let answer = vigo_core::action::OpOutput::exited(0, adapters, "");
        outputs.push(query_below(ADAPTERS), alloc::sync::Arc::new(answer));
        let Ok(Found::Value(seen)) = dns(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("nameservers"), Some(&listed(["192.0.2.1", "192.0.2.2", "192.0.2.9"])));
        assert_eq!(seen.at("search"), Some(&listed(["a.b", "c.d"])));
    }

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
