//! `storage`: volume groups, pools and arrays.

use super::disks::BLOCK;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use vigo_core::action::{FileKind, Op, Outputs};
use vigo_core::traits::see::{See, fields, list, path, read, read_at, sorted};
use vigo_core::traits::{Collector, Found, Machine};

pub(super) const COLLECTOR: Collector = Collector::quick("storage", probe, interpret);

const MDSTAT: &str = "/proc/mdstat";
/// A folder for each pool, beside files.
const POOLS: &str = "/proc/spl/kstat/zfs";

/// Mapped devices that are looked at.
const MAPPED_MAX: usize = 1000;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(MDSTAT), list(POOLS), list(BLOCK)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let names = see.entries(BLOCK).iter().map(|e| &*e.path);
    let mapped: Vec<&str> = names.filter(|n| n.starts_with("dm-")).take(MAPPED_MAX).collect();
    let asked = mapped.iter().flat_map(|name| ["name", "uuid"].map(|file| path(&format!("{BLOCK}/{name}/dm/{file}"))));
    let open = see.open(asked.flatten().map(read_at).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let group = |name: &&str| {
        let text = |file: &str| see.text(&format!("{BLOCK}/{name}/dm/{file}"));
        text("uuid")?.starts_with("LVM-").then(|| volume_group(text("name")?.trim())).flatten()
    };
    let groups: Vec<String> = mapped.iter().filter_map(group).collect();
    let pools = see.entries(POOLS).iter().filter(|e| e.meta.kind == FileKind::Dir).map(|e| &*e.path);
    let mdstat = see.text(MDSTAT).unwrap_or_default();
    let arrays = mdstat.lines().filter_map(|line| line.split_once(" : ").map(|(name, _)| name));
    let arrays = arrays.filter(|name| name.starts_with("md"));
    Ok(Found::Value(fields([
        ("volume_groups", Some(sorted(groups.iter().map(String::as_str)))),
        ("zpools", Some(sorted(pools))),
        ("md_arrays", Some(sorted(arrays))),
    ])))
}

/// A volume is named `group-volume`; dashes within either are doubled, dmsetup(8).
fn volume_group(name: &str) -> Option<String> {
    let marked = name.replace("--", "\0");
    let (group, _) = marked.split_once('-')?;
    Some(group.replace('\0', "-").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;

    #[test]
    fn groups_come_from_the_names_of_volumes() {
        let cases = [("vg0-root", Some("vg0")), ("my--vg-var--log", Some("my-vg")), ("cryptswap", None)];
        for (name, expected) in cases {
            assert_eq!(volume_group(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn arrays_and_pools_are_named() {
        let outputs = answers(&[
            (
                MDSTAT,
                "Personalities : [raid1]\nmd0 : active raid1 sda1[0] sdb1[1]\n      blocks\nunused devices: <none>\n",
            ),
            ("/proc/spl/kstat/zfs/", "tank dbufs@x"),
            ("/sys/block/", "dm-0@x"),
            ("/sys/block/dm-0/dm/name", "vg0-root\n"),
            ("/sys/block/dm-0/dm/uuid", "LVM-abc\n"),
        ]);
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("md_arrays"), Some(&sorted(["md0"])));
        assert_eq!(seen.at("zpools"), Some(&sorted(["tank"])));
        assert_eq!(seen.at("volume_groups"), Some(&sorted(["vg0"])));
    }
}
