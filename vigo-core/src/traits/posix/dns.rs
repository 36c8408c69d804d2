//! `dns`: which servers the resolver asks, resolv.conf(5).

use super::super::see::{See, read};
use super::super::{Collector, Found, Machine, form};
use crate::action::Outputs;
use alloc::string::String;

/// The collector.
pub const DNS: Collector = Collector::quick("dns", |_| alloc::vec![read(RESOLV)], interpret).of_image();

const RESOLV: &str = "/etc/resolv.conf";

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    Ok(form::dns(&See(outputs).text(RESOLV).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::super::super::see::listed;
    use super::*;
    use crate::sim::answers;

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
