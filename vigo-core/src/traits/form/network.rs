//! `network`, `interfaces`, `dns`, `ports`.

use super::super::see::{fields, int, listed, some};
use super::super::{Address, Found, Machine};
use crate::value::Value;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The names and ways of a machine in its network.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Network<'a> {
    /// Its name, with or without a domain.
    pub name: &'a str,
    /// The same with its domain, where that is known otherwise.
    pub fqdn: Option<&'a str>,
    /// The addresses of its cards.
    pub macs: Option<Value>,
    /// The way out.
    pub gateway: Option<&'a str>,
    /// The interface of the way out.
    pub interface: Option<&'a str>,
}

/// Returns area `network`; the addresses are those that the driver knows, but for the loopback's.
pub fn network(machine: &Machine, told: Network<'_>) -> Found {
    let mut ips: Vec<String> =
        machine.addresses.iter().filter(|a| !a.ip.is_loopback()).map(|a| a.ip.to_string()).collect();
    ips.dedup();
    let fqdn = told.fqdn.unwrap_or(told.name);
    Found::Value(fields([
        ("hostname", some(told.name.split('.').next().unwrap_or(told.name))),
        ("fqdn", some(fqdn)),
        ("domain", fqdn.split_once('.').and_then(|(_, domain)| some(domain))),
        ("ip_addresses", Some(Value::list(ips.into_iter().map(Value::from)))),
        ("mac_addresses", told.macs),
        ("default_gateway", told.gateway.and_then(some)),
        ("default_interface", told.interface.and_then(some)),
    ]))
}

/// A network interface, without its addresses.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// The address of the card.
    pub mac: Option<Value>,
    /// Bytes that a frame carries.
    pub mtu: Option<Value>,
    /// Whether it is switched on.
    pub up: Option<bool>,
}

/// Returns area `interfaces`: these, with the addresses that the driver knows of them.
pub fn interfaces(machine: &Machine, links: impl IntoIterator<Item = Link>) -> Found {
    let one = |link: Link| {
        let ips = |is_four: bool| {
            let own = machine.addresses.iter().filter(|a| a.interface == link.name && a.ip.is_ipv4() == is_four);
            let mut own: Vec<&Address> = own.collect();
            own.sort_unstable();
            Value::list(own.into_iter().map(|a| Value::text(format!("{}/{}", a.ip, a.prefix))))
        };
        let (four, six) = (ips(true), ips(false));
        let value = fields([
            ("mac", link.mac),
            ("mtu", link.mtu),
            ("up", link.up.map(Value::Bool)),
            ("ipv4", Some(four)),
            ("ipv6", Some(six)),
        ]);
        (link.name, value)
    };
    Found::Value(Value::map(links.into_iter().map(one)))
}

/// Returns area `dns` of the text of resolv.conf(5): of `search` and `domain` the last line counts.
pub fn dns(resolv: &str) -> Found {
    let lines = || resolv.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default().trim());
    let is = |line: &'_ str, key: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '\t']));
    let servers = lines().filter(|l| is(l, "nameserver")).filter_map(|l| l.split_whitespace().nth(1));
    let search = lines().rfind(|l| is(l, "search") || is(l, "domain")).unwrap_or_default();
    Found::Value(fields([
        ("nameservers", Some(listed(servers))),
        ("search", Some(listed(search.split_whitespace().skip(1)))),
    ]))
}

/// Returns area `ports` of the TCP ports that something listens on.
pub fn ports(listening: impl IntoIterator<Item = u16>) -> Found {
    let ports: BTreeSet<u16> = listening.into_iter().collect();
    Found::Value(fields([("listening", Some(Value::list(ports.into_iter().map(|port| int(port.into())))))]))
}
