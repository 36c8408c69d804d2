//! `mountpoints` and `filesystem`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, run};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const MOUNTPOINTS: Collector = Collector::slow("mountpoints", probe, mountpoints);
pub(super) const FILESYSTEM: Collector = Collector::slow("filesystem", probe, filesystem);

const MOUNT: &str = "/sbin/mount";

/// File systems that are looked at: more than the bound of an area can tell of.
const MOUNTS_MAX: usize = 3000;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(MOUNT, &[])]
}

fn mountpoints(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(MOUNT, &[])?;
    let all = mounted(&text)?.into_iter().map(|(path, mount)| (String::from(path), mount));
    Ok(form::mountpoints(all))
}

/// Asking a file system whose server is gone would hang: local ones only.
fn filesystem(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.output(MOUNT, &[])?;
    let local =
        |mount: &form::Mount<'_>| mount.options.contains(&"local") && !matches!(mount.fstype, "devfs" | "autofs");
    let paths: Vec<&str> =
        mounted(&text)?.into_iter().filter(|(_, mount)| local(mount)).map(|(path, _)| path).collect();
    Ok(form::filesystem(see, &paths))
}

/// The root is always mounted.
fn mounted(text: &str) -> Result<Vec<(&str, form::Mount<'_>)>, String> {
    let all: Vec<_> = text.lines().filter_map(line).take(MOUNTS_MAX).collect();
    if all.is_empty() { Err("`mount` tells of nothing that is mounted".into()) } else { Ok(all) }
}

/// A line of mount(8): `DEVICE on PATH (TYPE, WORD, …)`. Of several ` on ` the last whose right side is a path counts.
fn line(line: &str) -> Option<(&str, form::Mount<'_>)> {
    let (names, words) = line.strip_suffix(')')?.rsplit_once(" (")?;
    let (device, path) = names.rsplit_once(" on /").map(|(device, path)| (device, path.len()))?;
    let path = names.get(names.len().checked_sub(path + 1)?..)?;
    let mut words = words.split(", ");
    let fstype = words.next()?;
    let options: Vec<&str> = words.collect();
    let read_only = options.contains(&"read-only");
    Some((path, form::Mount { device, fstype, options, read_only }))
}
