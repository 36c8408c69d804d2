//! `network`: name, addresses and the way out.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, colon, fields, run, some};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const NETWORK: Collector = Collector::slow("network", probe, interpret);

const HOSTNAME: &str = "/usr/bin/hostname";
const ROUTE: &str = "/usr/sbin/route";
const DEFAULT: [&str; 3] = ["-n", "get", "default"];

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(HOSTNAME, &[]), run(ROUTE, &DEFAULT)]
}

/// Without a way out route(8) fails, and there is none to tell of.
fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let name = see.output(HOSTNAME, &[])?;
    let name = name.trim();
    if name.is_empty() {
        return Err("`hostname` said nothing".into());
    }
    let route = see.output(ROUTE, &DEFAULT).unwrap_or_default();
    let mut ips: Vec<String> =
        machine.addresses.iter().filter(|a| !a.ip.is_loopback()).map(|a| a.ip.to_string()).collect();
    ips.dedup();
    let (short, domain) = name.split_once('.').map_or((name, None), |(short, domain)| (short, Some(domain)));
    Ok(Found::Value(fields([
        ("hostname", some(short)),
        ("fqdn", some(name)),
        ("domain", domain.and_then(some)),
        ("ip_addresses", Some(Value::list(ips.into_iter().map(Value::from)))),
        ("default_gateway", colon(&route, "gateway").and_then(some)),
        ("default_interface", colon(&route, "interface").and_then(some)),
    ])))
}
