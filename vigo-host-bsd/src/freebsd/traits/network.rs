//! `network`, `dns`, `ports`.

use super::oid::{self, Oids};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, int, listed, read, run, some, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const NETWORK: Collector = Collector::slow("network", probe_network, network);
pub(super) const DNS: Collector = Collector::quick("dns", |_| alloc::vec![read(RESOLV)], dns).of_image();
pub(super) const PORTS: Collector = Collector::slow("ports", |_| alloc::vec![run(SOCKSTAT, SOCKSTAT_ARGS)], ports);

const NAME: &[&str] = &["kern.hostname"];
const RESOLV: &str = "/etc/resolv.conf";
const ROUTE: &str = "/sbin/route";
const ROUTE_ARGS: &[&str] = &["-n", "get", "default"];
const IFCONFIG: &str = "/sbin/ifconfig";
const IFCONFIG_ARGS: &[&str] = &["-a", "ether"];
const SOCKSTAT: &str = "/usr/bin/sockstat";
/// Listening TCP sockets of both kinds of addresses.
const SOCKSTAT_ARGS: &[&str] = &["-4", "-6", "-l", "-P", "tcp"];

fn probe_network(_: &Machine) -> Vec<Op> {
    let mut ops = oid::ask(NAME);
    ops.extend([run(ROUTE, ROUTE_ARGS), run(IFCONFIG, IFCONFIG_ARGS), read(RESOLV)]);
    ops
}

fn network(machine: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let oids = Oids::of(outputs, NAME)?;
    let name = oids.text("kern.hostname").unwrap_or_default();
    let resolv = see.text(RESOLV).unwrap_or_default();
    let domain = resolv.lines().rev().find_map(|line| line.strip_prefix("domain ")).map(str::trim);
    let fqdn = match domain.filter(|domain| !name.contains('.') && !name.is_empty() && !domain.is_empty()) {
        Some(domain) => format!("{name}.{}", domain.trim_end_matches('.')),
        None => name.to_string(),
    };
    let mut ips: Vec<String> =
        machine.addresses.iter().filter(|a| !a.ip.is_loopback()).map(|a| a.ip.to_string()).collect();
    ips.dedup();
    let cards = see.output(IFCONFIG, IFCONFIG_ARGS).unwrap_or_default();
    let macs = cards.lines().filter_map(|line| line.trim().strip_prefix("ether ")?.split_whitespace().next());
    // Without a way out route(8) fails.
    let way = see.output(ROUTE, ROUTE_ARGS).unwrap_or_default();
    let of_way = |key: &str| way.lines().find_map(|line| some(line.trim().strip_prefix(key)?.trim()));
    Ok(Found::Value(fields([
        ("hostname", some(name.split('.').next().unwrap_or(name))),
        ("fqdn", some(&fqdn)),
        ("domain", fqdn.split_once('.').and_then(|(_, domain)| some(domain))),
        ("ip_addresses", Some(Value::list(ips.into_iter().map(Value::from)))),
        ("mac_addresses", Some(sorted(macs))),
        ("default_gateway", of_way("gateway:")),
        ("default_interface", of_way("interface:")),
    ])))
}

/// Of `search` and `domain` the last line counts, resolv.conf(5).
fn dns(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).text(RESOLV).unwrap_or_default();
    let lines = || text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default().trim());
    let first = |line: &str| line.split_whitespace().next().map(String::from).unwrap_or_default();
    let servers = lines().filter(|line| first(line) == "nameserver").filter_map(|line| line.split_whitespace().nth(1));
    let search = lines().rfind(|line| matches!(&*first(line), "search" | "domain")).unwrap_or_default();
    Ok(Found::Value(fields([
        ("nameservers", Some(listed(servers))),
        ("search", Some(listed(search.split_whitespace().skip(1)))),
    ])))
}

/// Reads `USER COMMAND PID FD PROTO LOCAL FOREIGN`, sockstat(1).
fn ports(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(SOCKSTAT, SOCKSTAT_ARGS)?;
    if !text.starts_with("USER") {
        return Err("`sockstat` says no sockets".into());
    }
    let port = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| matches!(*word, "tcp" | "tcp4" | "tcp6" | "tcp46"))?;
        words.get(at + 1)?.rsplit_once(':')?.1.parse::<u16>().ok()
    };
    let ports: BTreeSet<u16> = text.lines().skip(1).filter_map(port).collect();
    Ok(Found::Value(fields([("listening", Some(Value::list(ports.into_iter().map(|port| int(port.into())))))])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn the_way_out_and_the_names_are_found() {
        let outputs = answers(&[
            ("run /sbin/sysctl -i kern.hostname", "kern.hostname: web-1\n"),
            ("run /sbin/route -n get default", "   route to: 0.0.0.0\n    gateway: 192.0.2.1\n  interface: em0\n"),
            ("run /sbin/ifconfig -a ether", "em0: flags=8863<UP> metric 0 mtu 1500\n\tether 08:00:27:aa:bb:cc\n"),
            (RESOLV, "domain example.org\nnameserver 192.0.2.2 # near\nsearch a.b c.d\n"),
        ]);
        let Ok(Found::Value(seen)) = network(&Machine::default(), &outputs) else { panic!("expected a value") };
        for (field, expected) in [
            ("hostname", "web-1"),
            ("fqdn", "web-1.example.org"),
            ("domain", "example.org"),
            ("default_gateway", "192.0.2.1"),
            ("default_interface", "em0"),
            ("mac_addresses.0", "08:00:27:aa:bb:cc"),
        ] {
            assert_eq!(seen.at(field), Some(&expected.into()), "{field}");
        }
        let Ok(Found::Value(seen)) = dns(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("nameservers"), Some(&listed(["192.0.2.2"])));
        assert_eq!(seen.at("search"), Some(&listed(["a.b", "c.d"])));
        assert!(network(&Machine::default(), &Outputs::default()).is_err());
    }

    #[test]
    fn listening_ports_are_sorted_each_once() {
        let line = "run /usr/bin/sockstat -4 -6 -l -P tcp";
        let text = "USER     COMMAND    PID   FD  PROTO  LOCAL ADDRESS         FOREIGN ADDRESS\n\
                    root     sshd       900   4   tcp6   *:22                  *:*\n\
                    root     sshd       900   5   tcp4   *:22                  *:*\n\
                    www      a b        901   6   tcp4   127.0.0.1:8080        *:*\nbroken\n";
        let Ok(Found::Value(seen)) = ports(&Machine::default(), &answers(&[(line, text)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.at("listening"), Some(&Value::list([Value::Int(22), Value::Int(8080)])));
        assert!(ports(&Machine::default(), &answers(&[(line, "")])).is_err());
    }
}
