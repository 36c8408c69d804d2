//! `packages`: what Homebrew has installed.

use crate::brew::{find, installed_packages, look};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::time::Duration;
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const PACKAGES: Collector = Collector::slow("packages", probe, interpret).within(Duration::from_secs(30));

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![look()]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let Some(by) = find(outputs)? else { return Ok(Found::Absent) };
    let all = match installed_packages(&by, outputs)? {
        Ok(all) => all,
        Err(ask) => return Ok(Found::Ask(alloc::vec![ask])),
    };
    Ok(form::packages("brew", all))
}
