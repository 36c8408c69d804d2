//! `network`: name, addresses and the way out.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, list, path, read, read_at, sorted};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::quick("network", probe, interpret);

pub(super) const NET: &str = "/sys/class/net";
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
const HOSTS: &str = "/etc/hosts";
const RESOLV: &str = "/etc/resolv.conf";
const ROUTE: &str = "/proc/net/route";
const ROUTE6: &str = "/proc/net/ipv6_route";

/// Interfaces that are looked at.
pub(super) const INTERFACES_MAX: usize = 1000;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(HOSTNAME), read(HOSTS), read(RESOLV), read(ROUTE), read(ROUTE6), list(NET)]
}

fn interpret(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let files: Vec<_> = see
        .entries(NET)
        .iter()
        .take(INTERFACES_MAX)
        .filter_map(|e| path(&format!("{NET}/{}/address", e.path)))
        .collect();
    let open = see.open(files.iter().cloned().map(read_at).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let name = see.need(HOSTNAME)?;
    let name = name.trim();
    let (hosts, resolv) = (see.text(HOSTS).unwrap_or_default(), see.text(RESOLV).unwrap_or_default());
    let fqdn = qualified(name, &hosts, &resolv);
    let macs: Vec<_> = files.iter().filter_map(|file| see.text(file.as_str())).collect();
    let macs = macs.iter().map(|mac| mac.trim()).filter(|mac| mac.bytes().any(|b| !b"0:".contains(&b)));
    let route = see.text(ROUTE).unwrap_or_default();
    let route6 = see.text(ROUTE6).unwrap_or_default();
    let way = default_route(&route).or_else(|| default_route6(&route6));
    let told = form::Network {
        name,
        fqdn: Some(&fqdn),
        macs: Some(sorted(macs)),
        gateway: way.as_ref().and_then(|(gateway, _)| gateway.as_deref()),
        interface: way.as_ref().map(|(_, interface)| &**interface),
    };
    Ok(form::network(machine, told))
}

/// Returns the full name without asking a server: as set, as the hosts file has it, or with the resolver's own domain.
fn qualified(name: &str, hosts: &str, resolv: &str) -> String {
    if name.contains('.') {
        return name.to_string();
    }
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    let of = |line: &str| {
        let names: Vec<&str> = line.split_whitespace().skip(1).collect();
        let full =
            names.iter().find(|n| n.strip_prefix(name).is_some_and(|rest| rest.starts_with('.') && rest.len() > 1))?;
        Some((*full).to_string())
    };
    let domain = || {
        let line = resolv.lines().rev().find_map(|line| line.strip_prefix("domain "))?;
        Some(format!("{name}.{}", line.trim().trim_end_matches('.')))
    };
    lines.filter(|line| !line.trim().is_empty()).find_map(of).or_else(domain).unwrap_or_else(|| name.to_string())
}

/// Returns gateway and interface of the default route with the lowest metric.
fn default_route(text: &str) -> Option<(Option<String>, String)> {
    let of = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [interface, "00000000", gateway, flags, _, _, metric, "00000000", ..] = words.as_slice() else {
            return None;
        };
        let is_up = u32::from_str_radix(flags, 16).ok()? & 1 != 0;
        let gateway = Ipv4Addr::from(u32::from_str_radix(gateway, 16).ok()?.to_ne_bytes());
        let gateway = (!gateway.is_unspecified()).then(|| gateway.to_string());
        is_up.then(|| Some((metric.parse::<u32>().ok()?, gateway, (*interface).to_string())))?
    };
    text.lines().filter_map(of).min_by_key(|(metric, ..)| *metric).map(|(_, gateway, interface)| (gateway, interface))
}

fn default_route6(text: &str) -> Option<(Option<String>, String)> {
    let of = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [destination, "00", _, _, gateway, metric, _, _, flags, interface, ..] = words.as_slice() else {
            return None;
        };
        // RTF_UP | RTF_GATEWAY; the entry on `lo` rejects what has no route.
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let is_way = destination.bytes().all(|b| b == b'0') && flags & 3 == 3 && *interface != "lo";
        let gateway = core::net::Ipv6Addr::from(u128::from_str_radix(gateway, 16).ok()?).to_string();
        is_way.then(|| Some((u32::from_str_radix(metric, 16).ok()?, gateway, (*interface).to_string())))?
    };
    let best = text.lines().filter_map(of).min_by_key(|(metric, ..)| *metric)?;
    Some((Some(best.1), best.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_come_from_files() {
        let cases = [
            ("as set", "web.example.org", "", "", "web.example.org"),
            ("hosts file", "web", "127.0.0.1 localhost\n127.0.1.1 web.example.org web\n", "", "web.example.org"),
            ("commented", "web", "#10.0.0.1 web.example.org\n", "", "web"),
            ("another's name", "web", "10.0.0.1 webby.example.org\n", "", "web"),
            ("domain", "web", "", "search a.b\ndomain example.net\n", "web.example.net"),
            ("nothing", "web", "", "", "web"),
        ];
        for (case, name, hosts, resolv, expected) in cases {
            assert_eq!(qualified(name, hosts, resolv), expected, "{case}");
        }
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn the_way_out_has_the_lowest_metric() {
        let text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n\
            eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(default_route(text), Some((Some("10.0.0.1".into()), "eth0".into())));
        let six = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 \
            00000400 00000001 00000000 00450003     eth0\n";
        assert_eq!(default_route6(six), Some((Some("fe80::1".into()), "eth0".into())));
        assert_eq!(default_route(""), None);
    }
}
