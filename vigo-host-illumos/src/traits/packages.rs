//! `packages`: what IPS has installed.

use crate::package::{PKG, listed};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Command, Op, Outputs};
use vigo_core::time::Duration;
use vigo_core::traits::see::See;
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const PACKAGES: Collector = Collector::slow("packages", probe, interpret).within(Duration::from_secs(30));

const LIST: [&str; 2] = ["list", "-Hv"];

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![Op::Run(Command::read(PKG, LIST).output_bytes_max(16 << 20))]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(PKG, &LIST)?;
    let all = listed(&text);
    let installed: Vec<_> = all.iter().filter(|p| p.installed && !p.obsolete).collect();
    if installed.is_empty() {
        return Err("`pkg list` tells of nothing that is installed".into());
    }
    Ok(form::packages("ips", installed.iter().map(|p| (p.name.clone(), p.version.clone()))))
}
