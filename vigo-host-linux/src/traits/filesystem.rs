//! `filesystem`: how full local file systems are.

use super::mountpoints::{MOUNTINFO, Mount, unescaped};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{Op, Outputs};
use vigo_core::traits::see::{See, read};
use vigo_core::traits::{Collector, Found, Machine, form};

pub(super) const COLLECTOR: Collector = Collector::slow("filesystem", probe, interpret);

/// File systems that are not local (asking one whose server is gone would hang), hold nothing, or are always full.
const OTHERS: &[&str] = &[
    "9p",
    "afs",
    "autofs",
    "binfmt_misc",
    "bpf",
    "ceph",
    "cgroup",
    "cgroup2",
    "cifs",
    "configfs",
    "debugfs",
    "devpts",
    "efivarfs",
    "fusectl",
    "gfs2",
    "glusterfs",
    "hugetlbfs",
    "iso9660",
    "lustre",
    "mqueue",
    "ncpfs",
    "nfs",
    "nfs4",
    "nfsd",
    "nsfs",
    "ocfs2",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smb3",
    "smbfs",
    "squashfs",
    "sysfs",
    "tracefs",
    "udf",
];

/// File systems that are looked at: more than the bound of an area can tell of.
const MOUNTS_MAX: usize = 3000;

fn probe(_: &Machine) -> Vec<Op> {
    alloc::vec![read(MOUNTINFO)]
}

fn interpret(_: &Machine, outputs: &Outputs) -> Result<Found, String> {
    let see = See(outputs);
    let text = see.need(MOUNTINFO)?;
    let paths = local(&text);
    Ok(form::filesystem(see, &paths))
}

/// Returns the mount points of local file systems, each file system once unless its parts are mounted apart.
fn local(text: &str) -> Vec<String> {
    let mut mounts: BTreeMap<String, Mount<'_>> = BTreeMap::new();
    for mount in text.lines().filter_map(Mount::parse) {
        mounts.insert(unescaped(mount.path), mount);
    }
    let is_local = |mount: &Mount<'_>| {
        !OTHERS.contains(&mount.fstype) && (!mount.fstype.starts_with("fuse.") || mount.fstype == "fuse.ntfs-3g")
    };
    // A bind mount shows a part of a file system that is seen elsewhere; a subvolume of btrfs is a thing of its own.
    let is_whole = |path: &str, mount: &Mount<'_>| mount.root == "/" || path == "/" || mount.fstype == "btrfs";
    mounts.retain(|path, mount| is_local(mount) && is_whole(path, mount));
    mounts.into_keys().take(MOUNTS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use vigo_core::action::{AbsPath, OpOutput, Space};
    use vigo_core::sim::answers;
    use vigo_core::value::Value;

    const TEXT: &str = "\
        20 1 0:19 / / rw - overlay overlay rw\n\
        21 20 0:20 / /proc rw - proc proc rw\n\
        22 20 0:21 / /run rw - tmpfs tmpfs rw\n\
        23 20 254:1 /docker/hosts /etc/hosts rw - ext4 /dev/vda1 rw\n\
        24 20 0:33 /@home /home rw - btrfs /dev/vdb rw\n\
        25 20 0:40 / /mnt/nfs rw - nfs4 server:/x rw\n\
        26 20 0:41 / /mnt/ssh rw - fuse.sshfs host: rw\n";

    #[test]
    fn only_local_file_systems_are_asked() {
        assert_eq!(local(TEXT), ["/", "/home", "/run"]);
    }

    #[test]
    fn fullness_is_of_what_users_can_have() {
        let mut outputs = answers(&[(MOUNTINFO, "20 1 0:19 / / rw - ext4 /dev/vda rw\n")]);
        let Ok(Found::Ask(ops)) = interpret(&Machine::default(), &outputs) else { panic!("expected a question") };
        assert_eq!(ops, [Op::Space { path: AbsPath::known("/") }]);
        let gb = 1 << 30;
        let space = Space {
            size_bytes: 100 * gb,
            free_bytes: 55 * gb,
            available_bytes: 45 * gb,
            inodes: 1000,
            inodes_free: 900,
        };
        outputs.push(ops[0].clone(), Arc::new(OpOutput::Space(space)));
        let Ok(Found::Value(seen)) = interpret(&Machine::default(), &outputs) else { panic!("expected a value") };
        assert_eq!(seen.at("/.used_pct"), Some(&Value::Float(50.0)));
        assert_eq!(seen.at("/.inodes_used_pct"), Some(&Value::Float(10.0)));
        assert_eq!(seen.at("/.free_mb"), Some(&Value::Int(45 * 1024)));
    }
}
