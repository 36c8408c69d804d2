//! `host_self`: how near the machine is to its own bounds.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, Op, Outputs};
use vigo_core::traits::see::{See, fields, int, list, percent, read};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const COLLECTOR: Collector = Collector::quick("host_self", probe, interpret);

const FILE_NR: &str = "/proc/sys/fs/file-nr";
const VMSTAT: &str = "/proc/vmstat";

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(FILE_NR), read(VMSTAT), list("/proc"), Op::Space { path: AbsPath::known("/") }]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let files = see.need(FILE_NR)?;
    // In use, free, and at most: proc(5). The second has been 0 since Linux 2.6.
    let mut numbers = files.split_whitespace().map(|n| n.parse::<u64>().ok());
    let used = numbers.next().flatten();
    let max = numbers.nth(1).flatten();
    let vmstat = see.text(VMSTAT).unwrap_or_default();
    let killed = vmstat.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
    let processes = see.entries("/proc").iter().filter(|e| e.path.bytes().all(|b| b.is_ascii_digit())).count();
    let space = see.space("/").map(|s| {
        let used = s.size_bytes.saturating_sub(s.free_bytes);
        percent(used, used.saturating_add(s.available_bytes))
    });
    Ok(Found::Value(fields([
        ("fd_used", used.map(int)),
        ("fd_max", max.map(int)),
        ("fd_pct", used.zip(max).map(|(used, max)| percent(used, max))),
        ("proc_count", (processes > 0).then(|| int(processes as u64))),
        ("oom_recent", killed.map(int)),
        ("fs_root_pct", space),
    ])))
}
