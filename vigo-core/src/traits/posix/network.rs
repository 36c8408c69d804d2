//! `network`, `interfaces`: hostname(1), route(8), ifconfig(8).

use super::super::form::{Network, interfaces as told, network as form};
use super::super::see::{See, colon, read, run, sorted};
use super::super::{Collector, Found, Machine};
use super::Programs;
use super::ifconfig::links;
use crate::action::{Op, Outputs};
use crate::value::Value;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const RESOLV: &str = "/etc/resolv.conf";
const DEFAULT: &[&str] = &["-n", "get", "default"];
const ALL: &[&str] = &["-a"];

/// Returns the collector of `network`.
pub const fn network<U: Programs>() -> Collector {
    Collector::slow("network", ask_network::<U>, names_and_ways::<U>)
}

/// Returns the collector of `interfaces`.
pub const fn interfaces<U: Programs>() -> Collector {
    Collector::slow("interfaces", |_| alloc::vec![run(U::IFCONFIG, ALL)], all::<U>)
}

fn ask_network<U: Programs>(_: &Machine) -> Vec<Op> {
    alloc::vec![run(U::HOSTNAME, &[]), run(U::ROUTE, DEFAULT), run(U::IFCONFIG, ALL), read(RESOLV)]
}

/// Without a way out route(8) fails, and there is none to tell of.
fn names_and_ways<U: Programs>(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let name = see.output(U::HOSTNAME, &[])?;
    let name = name.lines().next().unwrap_or_default().trim();
    if name.is_empty() {
        return Err("`hostname` said nothing".into());
    }
    let resolv = see.text(RESOLV).unwrap_or_default();
    let domain =
        resolv.lines().rev().find_map(|line| line.strip_prefix("domain ")).map(|d| d.trim().trim_end_matches('.'));
    let fqdn = match domain.filter(|domain| !name.contains('.') && !domain.is_empty()) {
        Some(domain) => format!("{name}.{domain}"),
        None => name.to_string(),
    };
    let cards = see.output(U::IFCONFIG, ALL).ok().map(|text| links(&text));
    let of = |cards: Vec<_>| {
        let macs: Vec<String> = cards.into_iter().filter_map(mac).collect();
        sorted(macs.iter().map(String::as_str))
    };
    let way = see.output(U::ROUTE, DEFAULT).unwrap_or_default();
    Ok(form(
        machine,
        Network {
            name,
            fqdn: Some(&fqdn),
            macs: Some(cards.map_or(Value::Null, of)),
            gateway: colon(&way, "gateway"),
            interface: colon(&way, "interface"),
        },
    ))
}

/// A loopback has none, or one of zeros.
fn mac(link: super::super::form::Link) -> Option<String> {
    let mac = link.mac?.as_str()?.to_string();
    mac.bytes().any(|b| !b"0:".contains(&b)).then_some(mac)
}

fn all<U: Programs>(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let links = links(&See(outputs).output(U::IFCONFIG, ALL)?);
    // The loopback is always there.
    if links.is_empty() { Err("`ifconfig` tells of no interface".into()) } else { Ok(told(machine, links)) }
}
