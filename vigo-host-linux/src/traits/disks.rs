//! `disks`: whole disks with their partitions.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, int, list, list_at, path, read_at, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const COLLECTOR: Collector = Collector::quick("disks", probe, interpret);

pub(super) const BLOCK: &str = "/sys/block";

/// Names of block devices that are no disks: made by the kernel out of others, or of nothing.
const OTHERS: &[&str] = &["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "drbd", "rbd", "zd"];

const FILES: &[&str] = &["size", "device/model", "device/serial", "serial", "queue/rotational"];

pub(super) fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![list(BLOCK)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let names: Vec<&str> = names(see);
    let asked = names.iter().flat_map(|name| {
        let files = FILES.iter().filter_map(move |file| path(&format!("{BLOCK}/{name}/{file}"))).map(read_at);
        files.chain(path(&format!("{BLOCK}/{name}")).map(list_at))
    });
    let open = see.open(asked.collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let one = |name: &str| {
        let at = |file: &str| format!("{BLOCK}/{name}/{file}");
        let folder = format!("{BLOCK}/{name}");
        let parts = see.entries(&folder).iter().filter(|e| {
            let rest = e.path.strip_prefix(name).unwrap_or_default().trim_start_matches('p');
            !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())
        });
        let rotational = see.text(&at("queue/rotational")).map(|t| Value::Bool(t.trim() == "1"));
        let value = fields([
            ("size_gb", size_gb(see, name).map(int)),
            ("model", see.value(&at("device/model"))),
            ("serial", see.value(&at("device/serial")).or_else(|| see.value(&at("serial")))),
            ("rotational", rotational),
            ("partitions", Some(sorted(parts.map(|e| &*e.path)))),
        ]);
        (String::from(name), value)
    };
    Ok(Found::Value(Value::map(names.iter().copied().map(one))))
}

/// Returns the names of disks.
pub(super) fn names(see: See<'_>) -> Vec<&str> {
    let is_disk = |name: &str| !OTHERS.iter().any(|other| name.starts_with(other));
    see.entries(BLOCK).iter().map(|e| &*e.path).filter(|name| is_disk(name)).take(1000).collect()
}

/// Returns a disk's size in whole gigabytes (2³⁰ bytes), rounded. The kernel counts in 512 bytes, whatever the disk does.
pub(super) fn size_gb(see: See<'_>, name: &str) -> Option<u64> {
    let sectors: u64 = see.text(&format!("{BLOCK}/{name}/size"))?.trim().parse().ok()?;
    Some(sectors.saturating_add(1 << 20) >> 21)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn disks_have_sizes_and_partitions() {
        let items = [("/sys/block/", "loop0@x nvme0n1@x sda@x dm-0@x")];
        let Ok(Found::Ask(ops)) = interpret(&Machine::default(), &answers(&items)) else {
            panic!("expected a question")
        };
        assert_eq!(ops.len(), 2 * (FILES.len() + 1));
        let mut outputs = answers(&[
            items[0],
            ("/sys/block/sda/size", "41943040\n"),
            ("/sys/block/sda/device/model", "QEMU HARDDISK   \n"),
            ("/sys/block/sda/queue/rotational", "1\n"),
            ("/sys/block/sda/", "queue sda1 sda10 sda2 sdax"),
            ("/sys/block/nvme0n1/size", "1000215216\n"),
            ("/sys/block/nvme0n1/", "nvme0n1p1 nvme0n1p2 nvme0c0n1"),
        ]);
        for op in ops {
            if See(&outputs).0.get(&op).is_none() {
                outputs.push(op, alloc::sync::Arc::new(vigo_core::action::OpOutput::Missing));
            }
        }
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("sda.size_gb"), Some(&Value::Int(20)));
        assert_eq!(seen.at("sda.model"), Some(&"QEMU HARDDISK".into()));
        assert_eq!(seen.at("sda.partitions"), Some(&sorted(["sda1", "sda10", "sda2"])));
        assert_eq!(seen.at("nvme0n1.partitions"), Some(&sorted(["nvme0n1p1", "nvme0n1p2"])));
        assert_eq!(seen.at("nvme0n1.size_gb"), Some(&Value::Int(477)));
        assert_eq!(seen.at("nvme0n1.rotational"), None);
    }
}
