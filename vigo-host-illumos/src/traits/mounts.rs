//! `mountpoints` and `filesystem`.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, fields, int, listed, path, percent, read};
use vigo_core::traits::{Collector, Found, Machine};
use vigo_core::value::Value;

pub(super) const MOUNTPOINTS: Collector = Collector::quick("mountpoints", probe, mountpoints);
pub(super) const FILESYSTEM: Collector = Collector::slow("filesystem", probe, filesystem);

const MOUNT: &str = "/etc/mnttab";
const MB: u64 = 1 << 20;

/// File systems that are looked at: more than the bound of an area can tell of.
const MOUNTS_MAX: usize = 3000;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(MOUNT)]
}

/// A line of `/etc/mnttab`, apart by tabs.
struct Mount<'a> {
    device: &'a str,
    path: &'a str,
    fstype: &'a str,
    words: Vec<&'a str>,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (device, path, fstype) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self { device, path, fstype, words: fields.next()?.split(',').collect() })
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }
}

fn mountpoints(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).need(MOUNT)?;
    let one = |mount: Mount<'_>| {
        let value = fields([
            ("device", Some(Value::text(mount.device))),
            ("fstype", Some(Value::text(mount.fstype))),
            ("options", Some(listed(mount.words.iter().copied()))),
            ("read_only", Some(Value::Bool(mount.has("ro")))),
        ]);
        (String::from(mount.path), value)
    };
    let all: BTreeMap<String, Value> = text.lines().filter_map(Mount::parse).map(one).collect();
    if all.is_empty() {
        return Err("`/etc/mnttab` tells of nothing that is mounted".into());
    }
    Ok(Found::Value(Value::map(all)))
}

/// Asking a file system whose server is gone would hang: local ones only.
fn filesystem(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.need(MOUNT)?;
    let local = |mount: &Mount<'_>| matches!(mount.fstype, "zfs" | "ufs" | "tmpfs" | "pcfs");
    let paths: Vec<&str> =
        text.lines().filter_map(Mount::parse).filter(local).map(|m| m.path).take(MOUNTS_MAX).collect();
    let open = see.open(paths.iter().filter_map(|p| Some(Op::Space { path: path(p)? })).collect());
    if !open.is_empty() {
        return Ok(Found::Ask(open));
    }
    let one = |path: &&str| {
        let space = see.space(path).filter(|space| space.size_bytes > 0)?;
        let used = space.size_bytes.saturating_sub(space.free_bytes);
        let inodes_used = space.inodes.saturating_sub(space.inodes_free);
        let value = fields([
            ("size_mb", Some(int(space.size_bytes / MB))),
            ("used_mb", Some(int(used / MB))),
            ("free_mb", Some(int(space.available_bytes / MB))),
            ("used_pct", Some(percent(used, used.saturating_add(space.available_bytes)))),
            ("inodes_used_pct", (space.inodes > 0).then(|| percent(inodes_used, space.inodes))),
        ]);
        Some((String::from(*path), value))
    };
    Ok(Found::Value(Value::map(paths.iter().filter_map(one))))
}
