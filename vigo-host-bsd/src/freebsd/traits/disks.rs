//! `disks`, `storage`: geom(8), zpool(8).

use alloc::string::{String, ToString};
use vigo_core::action::{OpOutput, Outputs};
use vigo_core::traits::see::{See, colon, fields, int, run, some, sorted, stat};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const DISKS: Collector = Collector::slow("disks", |_| alloc::vec![run(GEOM, DISK), run(GEOM, PART)], disks);
pub(super) const STORAGE: Collector = Collector::slow("storage", |_| alloc::vec![stat(ZFS)], storage);

const GEOM: &str = "/sbin/geom";
const DISK: &[&str] = &["disk", "list"];
/// One line a partition, after its kind.
const PART: &[&str] = &["part", "status", "-s"];
/// Is there once the kernel has the module, and where a jail may see it.
const ZFS: &str = "/dev/zfs";
const ZPOOL: &str = "/sbin/zpool";
const ZPOOL_ARGS: &[&str] = &["list", "-H", "-o", "name"];

/// Blocks `Geom name: ada0` with `Mediasize: 21474836480 (20G)`, `descr:`, `ident:` and `rotationrate:`.
fn disks(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.output(GEOM, DISK)?;
    // Without partitions it fails.
    let parts = see.output(GEOM, PART).unwrap_or_default();
    let one = |block: &'_ str| -> Option<(String, Value)> {
        let name = block.lines().next()?.trim();
        let bytes = colon(block, "Mediasize").and_then(|v| v.split(' ').next()?.parse::<u64>().ok());
        // A drive of discs without one.
        let bytes = bytes.filter(|bytes| *bytes > 0 && !name.starts_with("cd"))?;
        let rotational = match colon(block, "rotationrate") {
            Some("0") => Some(false),
            Some(rate) if rate.parse::<u32>().is_ok() => Some(true),
            _ => None,
        };
        let text = |key: &str| colon(block, key).filter(|text| *text != "(null)").and_then(some);
        let own = parts.lines().map(|line| line.split_whitespace());
        let own =
            own.filter_map(|mut words| Some((words.next()?, words.next_back()?))).filter(|(_, disk)| *disk == name);
        let value = fields([
            ("size_gb", Some(int(bytes.saturating_add(1 << 29) >> 30))),
            ("model", text("descr")),
            ("serial", text("ident")),
            ("rotational", rotational.map(Value::Bool)),
            ("partitions", Some(sorted(own.map(|(part, _)| part)))),
        ]);
        Some((name.to_string(), value))
    };
    if !text.contains("Geom name: ") {
        return Err("`geom` tells of no disk".into());
    }
    Ok(Found::Value(Value::map(text.split("Geom name: ").skip(1).filter_map(one))))
}

/// zpool(8) would load the module of a kernel that does without: it is run only where that is there already.
fn storage(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    match see.path(ZFS) {
        Some(OpOutput::Missing) => return Ok(Found::Absent),
        Some(OpOutput::Failed(why)) => return Err(why.message.clone()),
        _ => {}
    }
    if outputs.ran(ZPOOL, ZPOOL_ARGS).is_none() {
        return Ok(Found::Ask(alloc::vec![run(ZPOOL, ZPOOL_ARGS)]));
    }
    let text = see.output(ZPOOL, ZPOOL_ARGS)?;
    let pools = text.lines().map(str::trim).filter(|name| !name.is_empty());
    Ok(Found::Value(fields([("zpools", Some(sorted(pools)))])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::sim::answers;

    #[test]
    fn a_disk_has_a_block_and_its_partitions_lines() {
        let text = "Geom name: ada0\nProviders:\n1. Name: ada0\n   Mediasize: 21474836480 (20G)\n   Sectorsize: 512\n   Mode: r2w2e3\n   \
                    descr: VBOX HARDDISK\n   ident: VB1234\n   rotationrate: 7200\n   fwsectors: 63\n\nGeom name: cd0\nProviders:\n\
                    1. Name: cd0\n   Mediasize: 0 (0B)\n   descr: VBOX CD-ROM\n   ident: (null)\n   rotationrate: unknown\n";
        let parts = "ada0p1  OK  ada0\nada0p2  OK  ada0\nada1p1  OK  ada1\n";
        let outputs = answers(&[("run /sbin/geom disk list", text), ("run /sbin/geom part status -s", parts)]);
        let Ok(Found::Value(seen)) = disks(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.as_map().map(|m| m.len()), Some(1));
        assert_eq!((seen.at("ada0.size_gb"), seen.at("ada0.serial")), (Some(&Value::Int(20)), Some(&"VB1234".into())));
        assert_eq!(seen.at("ada0.rotational"), Some(&Value::Bool(true)));
        assert_eq!(seen.at("ada0.partitions"), Some(&sorted(["ada0p1", "ada0p2"])));
        assert!(disks(&Machine::default(), &answers(&[("run /sbin/geom disk list", "")])).is_err());
    }

    #[test]
    fn pools_are_named_and_a_kernel_without_zfs_is_left_without() {
        let mut outputs = Outputs::default();
        outputs.push(stat(ZFS), Arc::new(OpOutput::Missing));
        assert_eq!((STORAGE.probe)(&Machine::default()), [stat(ZFS)], "and no program, which would load it");
        assert_eq!(storage(&Machine::default(), &outputs), Ok(Found::Absent));
        let outputs = answers(&[(ZFS, "")]);
        assert_eq!(storage(&Machine::default(), &outputs), Ok(Found::Ask(alloc::vec![run(ZPOOL, ZPOOL_ARGS)])));
        let outputs = answers(&[(ZFS, ""), ("run /sbin/zpool list -H -o name", "zroot\ndata\n")]);
        let Ok(Found::Value(pools)) = storage(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(pools.at("zpools"), Some(&sorted(["data", "zroot"])));
    }
}
