//! `mountpoints` and `filesystem`.

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, read};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const MOUNTPOINTS: Collector = Collector::quick("mountpoints", probe, mountpoints);
pub(super) const FILESYSTEM: Collector = Collector::slow("filesystem", probe, filesystem);

const MOUNT: &str = "/etc/mnttab";

/// File systems that are looked at: more than the bound of an area can tell of.
const MOUNTS_MAX: usize = 3000;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(MOUNT)]
}

fn mountpoints(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).need(MOUNT)?;
    let all = mounted(&text)?.into_iter().map(|(path, mount)| (String::from(path), mount));
    Ok(form::mountpoints(all))
}

/// Asking a file system whose server is gone would hang: local ones only.
fn filesystem(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.need(MOUNT)?;
    let all = mounted(&text)?.into_iter();
    let local = all.filter(|(_, mount)| matches!(mount.fstype, "zfs" | "ufs" | "tmpfs" | "pcfs"));
    let paths: Vec<&str> = local.map(|(path, _)| path).collect();
    Ok(form::filesystem(see, &paths))
}

/// The root is always mounted.
fn mounted(text: &str) -> Result<Vec<(&str, form::Mount<'_>)>, String> {
    let all: Vec<_> = text.lines().filter_map(line).take(MOUNTS_MAX).collect();
    if all.is_empty() { Err("`/etc/mnttab` tells of nothing that is mounted".into()) } else { Ok(all) }
}

/// A line of mnttab(5), apart by tabs.
fn line(line: &str) -> Option<(&str, form::Mount<'_>)> {
    let mut fields = line.split('\t');
    let (device, path, fstype) = (fields.next()?, fields.next()?, fields.next()?);
    let options: Vec<&str> = fields.next()?.split(',').collect();
    let read_only = options.contains(&"ro");
    Some((path, form::Mount { device, fstype, options, read_only }))
}
