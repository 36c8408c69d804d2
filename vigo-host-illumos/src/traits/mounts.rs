//! `mountpoints` and `filesystem`.

use super::tools::Tools;
use crate::mnttab::{self, Mounted};
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, read};
use vigo_core::traits::{Collector, Found, Machine, form, posix};

pub(super) const MOUNTPOINTS: Collector = Collector::quick("mountpoints", probe, mountpoints);
pub(super) const FILESYSTEM: Collector = Collector::slow("filesystem", probe, filesystem);

const MOUNT: &str = "/etc/mnttab";

/// File systems that are looked at: more than the bound of an area can tell of.
const MOUNTS_MAX: usize = 3000;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(MOUNT)]
}

impl posix::Mounts for Tools {
    fn ask() -> Op {
        read(MOUNT)
    }

    fn local(outputs: &Outputs) -> Result<Vec<String>, String> {
        Ok(local(&See(outputs).need(MOUNT)?)?.into_iter().map(String::from).collect())
    }
}

fn mountpoints(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).need(MOUNT)?;
    Ok(form::mountpoints(mounted(&text)?.into_iter().map(|mounted| {
        let Mounted { source: device, point, fstype, options } = mounted;
        let read_only = options.contains(&"ro");
        (String::from(point), form::Mount { device, fstype, options, read_only })
    })))
}

/// Asking a file system whose server is gone would hang: local ones only.
fn filesystem(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.need(MOUNT)?;
    Ok(form::filesystem(see, &local(&text)?))
}

/// Returns where local file systems are mounted that hold something.
fn local(text: &str) -> Result<Vec<&str>, String> {
    let all = mounted(text)?.into_iter();
    Ok(all.filter(|m| matches!(m.fstype, "zfs" | "ufs" | "tmpfs" | "pcfs")).map(|m| m.point).collect())
}

/// The root is always mounted.
fn mounted(text: &str) -> Result<Vec<Mounted<'_>>, String> {
    let all: Vec<_> = mnttab::lines(text).take(MOUNTS_MAX).collect();
    if all.is_empty() { Err("`/etc/mnttab` tells of nothing that is mounted".into()) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::traits::posix::Mounts as _;

    #[test]
    fn local_file_systems_are_walked() {
        let text = "rpool/ROOT/x\t/\tzfs\trw\t0\n/devices\t/devices\tdevfs\trw\t0\nrpool/export\t/export\tzfs\trw\t0\n\
            swap\t/tmp\ttmpfs\trw\t0\n/export/a\t/mnt\tlofs\trw\t0\nnas:/a\t/net/a\tnfs\trw\t0\n";
        let roots = Tools::local(&answers(&[("/etc/mnttab", text)])).unwrap();
        assert_eq!(roots, ["/", "/export", "/tmp"]);
        assert!(Tools::local(&Outputs::default()).is_err());
    }
}
