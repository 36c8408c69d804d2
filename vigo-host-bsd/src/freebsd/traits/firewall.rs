//! `firewall`: pf(4), or ipfw(4).

use super::tools::Tools;
use crate::traits::pf;
use crate::traits::sysctl::{Oids, ask};
use alloc::string::String;
use vigo_core::action::Outputs;
use vigo_core::traits::see::See;
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const FIREWALL: Collector =
    Collector::slow("firewall", |_| ask::<Tools>(OIDS).into_iter().chain(pf::ask()).collect(), firewall);

/// Those of ipfw(4) are there when it is in the kernel.
const OIDS: &[&str] = &["kern.ostype", "net.inet.ip.fw.enable", "net.inet.ip.fw.default_to_accept"];

/// Both may filter; what pf lets through is told first.
fn firewall(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let oids = Oids::of::<Tools>(outputs, OIDS)?;
    let has_ipfw = oids.number("net.inet.ip.fw.enable") == Some(1);
    if let Some(found) = pf::firewall(See(outputs), !has_ipfw)? {
        return Ok(found);
    }
    let default = if oids.number("net.inet.ip.fw.default_to_accept") == Some(1) { "accept" } else { "drop" };
    Ok(match has_ipfw {
        true => pf::found("ipfw", true, default, default),
        false => pf::found("none", false, "accept", "accept"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::OpOutput;
    use vigo_core::value::Value;

    #[test]
    fn the_one_that_filters_is_told() {
        for (oids, info, backend, active, input) in [
            ("kern.ostype: FreeBSD\n", "Status: Enabled for 1 days\n", "pf", true, "accept"),
            (
                "net.inet.ip.fw.enable: 1\nnet.inet.ip.fw.default_to_accept: 0\n",
                "Status: Disabled\n",
                "ipfw",
                true,
                "drop",
            ),
            ("net.inet.ip.fw.enable: 0\n", "Status: Disabled\n", "pf", false, "accept"),
        ] {
            let mut outputs = Outputs::default();
            let ops = (FIREWALL.probe)(&Machine::default());
            for (op, text) in ops.into_iter().zip([oids, info, ""]) {
                outputs.push(op, Arc::new(OpOutput::exited(0, text, "")));
            }
            let Ok(Found::Value(seen)) = firewall(&Machine::default(), &outputs) else { panic!("{backend}") };
            assert_eq!((seen.at("backend"), seen.at("active")), (Some(&backend.into()), Some(&Value::Bool(active))));
            assert_eq!(seen.at("default_in"), Some(&input.into()), "{backend}");
        }
    }
}
