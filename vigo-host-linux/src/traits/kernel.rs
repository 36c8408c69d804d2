//! `kernel`: how it was started, and what is loaded.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, read, sorted};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const COLLECTOR: Collector = Collector::quick("kernel", probe, interpret);

pub(super) const MODULES: &str = "/proc/modules";
const CMDLINE: &str = "/proc/cmdline";
const TAINT: &str = "/proc/sys/kernel/tainted";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(CMDLINE), read(MODULES), read(TAINT)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    // A kernel without modules has no such file.
    let modules = see.text(MODULES);
    let names = modules.as_ref().map(|text| sorted(text.lines().filter_map(|line| line.split(' ').next())));
    Ok(Found::Value(fields([
        ("cmdline", see.value(CMDLINE)),
        ("modules", Some(names.unwrap_or_else(|| sorted([])))),
        ("taint", see.number(TAINT)),
    ])))
}
