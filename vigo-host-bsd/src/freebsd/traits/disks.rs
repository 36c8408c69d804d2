//! `mountpoints`, `filesystem`, `storage`.

use crate::freebsd::mount;
use crate::mounts::Mounted;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, int, listed, path, percent, run, sorted};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const MOUNTPOINTS: Collector = Collector::slow("mountpoints", |_| alloc::vec![run(MOUNT, &[])], mountpoints);
pub(super) const FILESYSTEM: Collector = Collector::slow("filesystem", |_| alloc::vec![run(MOUNT, &[])], filesystem);
pub(super) const STORAGE: Collector = Collector::slow("storage", |_| alloc::vec![run(ZPOOL, ZPOOL_ARGS)], storage);

const MOUNT: &str = "/sbin/mount";
const ZPOOL: &str = "/sbin/zpool";
const ZPOOL_ARGS: &[&str] = &["list", "-H", "-o", "name"];

/// File systems that hold nothing.
const EMPTY: &[&str] = &["autofs", "devfs", "fdescfs", "linprocfs", "linsysfs", "procfs"];

/// File systems that are looked at.
const MOUNTS_MAX: usize = 3000;

fn mounted(outputs: &Outputs) -> Result<Vec<Mounted>, String> {
    let text = See(outputs).output(MOUNT, &[])?;
    let mounts: Vec<Mounted> = text.lines().filter_map(mount::line).take(MOUNTS_MAX).collect();
    // The root is always mounted.
    if mounts.is_empty() { Err("`mount` says nothing".into()) } else { Ok(mounts) }
}

fn mountpoints(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let one = |m: &Mounted| {
        let value = fields([
            ("device", Some(Value::text(m.source.as_str()))),
            ("fstype", Some(Value::text(m.fstype.as_str()))),
            ("options", Some(listed(m.options.iter().map(String::as_str)))),
            ("read_only", Some(Value::Bool(m.options.iter().any(|o| o == "ro")))),
        ]);
        (m.point.clone(), value)
    };
    Ok(Found::Value(Value::map(mounted(outputs)?.iter().map(one))))
}

/// Of local ones only: asking one whose server is gone would hang.
fn filesystem(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let mounts = mounted(outputs)?;
    let local = |m: &&Mounted| m.options.iter().any(|o| o == "local") && !EMPTY.contains(&m.fstype.as_str());
    let points: Vec<&str> = mounts.iter().filter(local).map(|m| m.point.as_str()).collect();
    let open = see.open(points.iter().filter_map(|point| Some(Op::Space { path: path(point)? })).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let one = |point: &&str| {
        let space = see.space(point)?;
        let used = space.size_bytes.saturating_sub(space.free_bytes);
        let inodes = (space.inodes > 0).then(|| percent(space.inodes.saturating_sub(space.inodes_free), space.inodes));
        let value = fields([
            ("size_mb", Some(int(space.size_bytes >> 20))),
            ("used_mb", Some(int(used >> 20))),
            ("free_mb", Some(int(space.available_bytes >> 20))),
            ("used_pct", Some(percent(used, used.saturating_add(space.available_bytes)))),
            ("inodes_used_pct", inodes),
        ]);
        Some((String::from(*point), value))
    };
    Ok(Found::Value(Value::map(points.iter().filter_map(one))))
}

fn storage(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(ZPOOL, ZPOOL_ARGS)?;
    let pools = text.lines().map(str::trim).filter(|name| !name.is_empty());
    Ok(Found::Value(fields([("zpools", Some(sorted(pools)))])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::{OpOutput, Space};
    use vigo_core::sim::answers;

    const TEXT: &str = "/dev/ada0p2 on / (ufs, local, soft-updates)\ndevfs on /dev (devfs)\n\
                        host:/x on /mnt (nfs, read-only)\n";

    #[test]
    fn local_file_systems_are_asked_for_their_space() {
        let mut outputs = answers(&[("run /sbin/mount", TEXT)]);
        let Ok(Found::Ask(ops)) = filesystem(&Machine::default(), &outputs) else { panic!("expected a question") };
        assert_eq!(ops.len(), 1, "{ops:?}");
        let space = Space {
            size_bytes: 100 << 20,
            free_bytes: 60 << 20,
            available_bytes: 40 << 20,
            inodes: 100,
            inodes_free: 75,
        };
        outputs.push(ops[0].clone(), Arc::new(OpOutput::Space(space)));
        let Ok(Found::Value(seen)) = filesystem(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("/.used_pct"), Some(&Value::Float(50.0)));
        assert_eq!(seen.at("/.inodes_used_pct"), Some(&Value::Float(25.0)));
    }

    #[test]
    fn mounts_are_listed_by_their_place() {
        let Ok(Found::Value(seen)) = mountpoints(&Machine::default(), &answers(&[("run /sbin/mount", TEXT)])) else {
            panic!("expected a value")
        };
        assert_eq!(seen.as_map().map(|m| m.len()), Some(3));
        assert_eq!(seen.at("/mnt.read_only"), Some(&Value::Bool(true)));
        assert!(mountpoints(&Machine::default(), &answers(&[("run /sbin/mount", "nonsense\n")])).is_err());
        let Ok(Found::Value(pools)) =
            storage(&Machine::default(), &answers(&[("run /sbin/zpool list -H -o name", "zroot\ndata\n")]))
        else {
            panic!("expected a value")
        };
        assert_eq!(pools.at("zpools"), Some(&sorted(["data", "zroot"])));
    }
}
