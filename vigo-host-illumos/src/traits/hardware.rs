//! `hardware`.

use super::kstat::{ask, ask_page, bytes, counter};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{fields, int};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const HARDWARE: Collector = Collector::slow("hardware", probe, interpret);

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![ask(), ask_page()]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let (cpus, memory) = (counter(outputs, "ncpus")?, bytes(outputs, "physmem")?);
    Ok(Found::Value(fields([("cpu_count", Some(int(cpus))), ("memory_mb", Some(int(memory >> 20)))])))
}
