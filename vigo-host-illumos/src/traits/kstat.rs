//! The kernel's counters: kstat(8).

use alloc::string::String;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, run};

const KSTAT: &str = "/usr/bin/kstat";
const ARGS: [&str; 3] = ["-p", "unix:0:system_misc", "unix:0:system_pages"];
const PAGESIZE: &str = "/usr/bin/pagesize";

/// Returns the question for those that are read here: one for all.
pub(super) fn ask() -> Op {
    run(KSTAT, &ARGS)
}

/// Returns the question for the size of a page.
pub(super) fn ask_page() -> Op {
    run(PAGESIZE, &[])
}

/// Returns a counter: lines are `module:instance:name:counter`, a tab, and the value.
pub(super) fn counter(outputs: &Outputs, name: &str) -> Result<u64, String> {
    let text = See(outputs).output(KSTAT, &ARGS)?;
    let of = |line: &str| {
        let (key, value) = line.split_once('\t')?;
        (key.rsplit(':').next() == Some(name)).then(|| value.trim().parse().ok())?
    };
    text.lines().find_map(of).ok_or_else(|| alloc::format!("`kstat` tells no `{name}`"))
}

/// Returns the bytes of a counter of pages.
pub(super) fn bytes(outputs: &Outputs, name: &str) -> Result<u64, String> {
    let page = See(outputs).output(PAGESIZE, &[])?;
    let page: u64 = page.trim().parse().map_err(|_| "`pagesize` tells no number")?;
    Ok(counter(outputs, name)?.saturating_mul(page))
}
