//! `memory` and `swap`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, colon, run};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const MEMORY: Collector = Collector::slow("memory", memory_probe, memory);
pub(super) const SWAP: Collector = Collector::slow("swap", swap_probe, swap);

const SYSCTL: &str = "/usr/sbin/sysctl";
const VM_STAT: &str = "/usr/bin/vm_stat";
const SIZE: [&str; 1] = ["hw.memsize"];
const USAGE: [&str; 2] = ["-n", "vm.swapusage"];
const MB: u64 = 1 << 20;

fn memory_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(SYSCTL, &SIZE), run(VM_STAT, &[])]
}

/// What is inactive or read ahead gives way.
fn memory(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let (size, pages) = (see.output(SYSCTL, &SIZE)?, see.output(VM_STAT, &[])?);
    let total: u64 = colon(&size, SIZE[0]).and_then(|v| v.parse().ok()).ok_or("`hw.memsize` holds no number")?;
    let page = pages.split_once("page size of ").and_then(|(_, rest)| rest.split(' ').next()?.parse::<u64>().ok());
    let page = page.ok_or("`vm_stat` tells no page size")?;
    let of = |key: &str| {
        let number = colon(&pages, key).and_then(|v| v.trim_end_matches('.').parse::<u64>().ok());
        number.unwrap_or(0).saturating_mul(page)
    };
    let free = of("Pages free");
    let available = free.saturating_add(of("Pages inactive")).saturating_add(of("Pages speculative"));
    Ok(form::memory(total, free, available))
}

fn swap_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(SYSCTL, &USAGE)]
}

/// `total = 2048.00M  used = 512.00M  free = 1536.00M`.
fn swap(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(SYSCTL, &USAGE)?;
    let of = |key: &str| {
        let rest = text.split_once(key)?.1.trim_start().strip_prefix('=')?;
        rest.trim_start().split(['.', 'M', ' ']).next()?.parse::<u64>().ok()
    };
    let (Some(total), Some(used)) = (of("total"), of("used")) else {
        return Err("`vm.swapusage` holds no numbers".into());
    };
    Ok(form::swap(total.saturating_mul(MB), used.saturating_mul(MB)))
}
