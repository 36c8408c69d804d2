//! `mountpoints` and `filesystem`.

use super::tools::Tools;
use crate::mounted::Mounted;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, run};
use vigo_core::traits::{Collector, Found, Machine, form, posix};

pub(super) const MOUNTPOINTS: Collector = Collector::slow("mountpoints", probe, mountpoints);
pub(super) const FILESYSTEM: Collector = Collector::slow("filesystem", probe, filesystem);

const MOUNT: &str = "/sbin/mount";

/// File systems that are looked at: more than the bound of an area can tell of.
const MOUNTS_MAX: usize = 3000;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![run(MOUNT, &[])]
}

impl posix::Mounts for Tools {
    fn ask() -> Op {
        run(MOUNT, &[])
    }

    fn local(outputs: &Outputs) -> Result<Vec<String>, String> {
        Ok(local(&See(outputs).output(MOUNT, &[])?)?.into_iter().map(String::from).collect())
    }
}

fn mountpoints(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let text = See(outputs).output(MOUNT, &[])?;
    let all = mounted(&text)?;
    Ok(form::mountpoints(all.iter().filter_map(|mounted| {
        let (device, point) = mounted.source_and_point()?;
        let options = mounted.options.iter().map(|option| &**option).collect();
        let read_only = mounted.has("ro");
        Some((String::from(point), form::Mount { device, fstype: mounted.fstype, options, read_only }))
    })))
}

/// Asking a file system whose server is gone would hang: local ones only.
fn filesystem(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.output(MOUNT, &[])?;
    Ok(form::filesystem(see, &local(&text)?))
}

/// Returns where local file systems are mounted that hold something.
fn local(text: &str) -> Result<Vec<&str>, String> {
    let is_local = |mounted: &Mounted<'_>| mounted.has("local") && !matches!(mounted.fstype, "devfs" | "autofs");
    let all = mounted(text)?.into_iter().filter(is_local);
    Ok(all.filter_map(|mounted| Some(mounted.source_and_point()?.1)).collect())
}

/// The root is always mounted.
fn mounted(text: &str) -> Result<Vec<Mounted<'_>>, String> {
    let all: Vec<_> = text.lines().filter_map(Mounted::parse).take(MOUNTS_MAX).collect();
    if all.is_empty() { Err("`mount` tells of nothing that is mounted".into()) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vigo_core::sim::answers;
    use vigo_core::traits::posix::Mounts as _;

    #[test]
    fn the_data_of_people_is_on_a_volume_beside_the_sealed_one() {
        let text = "/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)\ndevfs on /dev (devfs, local, nobrowse)\n\
            /dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect)\n\
            map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)\nnas:/a on /Volumes/a (nfs, nosuid)\n";
        let roots = Tools::local(&answers(&[("run /sbin/mount", text)])).unwrap();
        assert_eq!(roots, ["/", "/System/Volumes/Data"]);
        assert!(Tools::local(&Outputs::default()).is_err());
    }
}
