//! `memory` and `swap`.

use super::kstat::{ask, ask_page, bytes};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, run};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const MEMORY: Collector = Collector::slow("memory", memory_probe, memory);
pub(super) const SWAP: Collector = Collector::slow("swap", swap_probe, swap);

const PROGRAM: &str = "/usr/sbin/swap";

fn memory_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![ask(), ask_page()]
}

/// What ZFS caches counts as used: the kernel does not tell it apart here.
fn memory(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let (total, free) = (bytes(outputs, "physmem")?, bytes(outputs, "freemem")?);
    Ok(form::memory(total, free, free))
}

fn swap_probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(PROGRAM, &["-s"])]
}

/// `total: 1k bytes allocated + 1k reserved = 2k used, 6k available`.
fn swap(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(PROGRAM, &["-s"])?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let before = |word: &str| {
        let at = words.iter().position(|w| w.trim_end_matches(',') == word)?;
        words.get(at.checked_sub(1)?)?.strip_suffix('k')?.parse::<u64>().ok()
    };
    let (Some(used), Some(free)) = (before("used"), before("available")) else {
        return Err("`swap -s` tells no numbers".into());
    };
    Ok(form::swap(used.saturating_add(free).saturating_mul(1024), used.saturating_mul(1024)))
}
