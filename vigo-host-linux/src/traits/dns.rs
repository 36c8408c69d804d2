//! `dns`: which servers the resolver asks.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, listed, read};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const COLLECTOR: Collector = Collector::quick("dns", probe, interpret).of_image();

const RESOLV: &str = "/etc/resolv.conf";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(RESOLV)]
}

/// Of `search` and `domain` the last line counts, resolv.conf(5).
fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).text(RESOLV).unwrap_or_default();
    let lines = || text.lines().map(|line| line.split(['#', ';']).next().unwrap_or_default().trim());
    let value = |line: &'_ str, key: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '\t']));
    let servers = lines().filter(|l| value(l, "nameserver")).filter_map(|l| l.split_whitespace().nth(1));
    let search = lines().rfind(|l| value(l, "search") || value(l, "domain")).unwrap_or_default();
    Ok(Found::Value(fields([
        ("nameservers", Some(listed(servers))),
        ("search", Some(listed(search.split_whitespace().skip(1)))),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn the_last_search_counts() {
        let text =
            "# nameserver 1.1.1.1\nnameserver 10.0.0.1 # first\nnameserver\t10.0.0.2\ndomain a.b\nsearch c.d e.f\n";
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &answers(&[(RESOLV, text)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.at("nameservers"), Some(&listed(["10.0.0.1", "10.0.0.2"])));
        assert_eq!(seen.at("search"), Some(&listed(["c.d", "e.f"])));
    }
}
