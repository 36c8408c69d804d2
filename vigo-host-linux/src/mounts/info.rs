//! `/proc/self/mountinfo`, proc(5).

use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::AbsPath;

/// What is mounted, oldest first.
#[derive(Clone, Default, Debug)]
pub(crate) struct Mounts(pub Vec<Mounted>);

/// One mount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Mounted {
    /// `major:minor` of the file system.
    pub device: String,
    /// The folder of the file system that is mounted.
    pub root: String,
    /// Where.
    pub point: AbsPath,
    /// Options of the mount, then those of the file system.
    pub options: Vec<String>,
    /// The type, `fuse.sshfs` with its subtype.
    pub fstype: String,
    /// What was named as the source.
    pub source: String,
}

/// Returns the file's path.
pub(crate) fn mountinfo() -> AbsPath {
    AbsPath::known("/proc/self/mountinfo")
}

impl Mounts {
    /// Parses the file; lines without sense are left out.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(String::from_utf8_lossy(text).lines().filter_map(line).collect())
    }

    /// Returns what is mounted at a path, on top of others.
    pub(crate) fn at(&self, path: &AbsPath) -> Option<&Mounted> {
        self.0.iter().rev().find(|m| m.point == *path)
    }

    /// Returns the mount that a path lies in.
    pub(crate) fn of(&self, path: &AbsPath) -> Option<&Mounted> {
        let mut at = Some(path.clone());
        while let Some(point) = at {
            if let Some(mount) = self.at(&point) {
                return Some(mount);
            }
            at = point.parent();
        }
        None
    }

    /// Returns whether a path lies in a mount that cannot be written to.
    pub(crate) fn is_read_only(&self, path: &AbsPath) -> bool {
        self.of(path).is_some_and(|m| m.options.iter().any(|o| o == "ro"))
    }
}

fn line(line: &str) -> Option<Mounted> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ').skip(2);
    let (device, root, point, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let mut rest = after.split(' ');
    let (fstype, source, of_system) = (rest.next()?, rest.next()?, rest.next().unwrap_or(""));
    let options = options.split(',').chain(of_system.split(',')).filter(|o| !o.is_empty()).map(String::from).collect();
    let root = vigo_core::resource::fstab::unescape(root);
    let point = AbsPath::parse(&vigo_core::resource::fstab::unescape(point)).ok()?;
    let source = vigo_core::resource::fstab::unescape(source);
    Some(Mounted { device: device.into(), root, point, options, fstype: fstype.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"22 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw
27 1 8:1 / / rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro
40 27 0:5 / /proc rw - proc proc rw
41 40 0:5 /sys /proc/sys ro,relatime - proc proc rw
50 27 8:1 /srv/a /mnt/b\\040c rw - ext4 /dev/sda1 rw
51 27 0:60 / /mnt/b\\040c rw - tmpfs tmp\\134fs rw,size=64k
\xff half a line
";

    #[test]
    fn mounts_are_found_by_path() {
        let m = Mounts::parse(TEXT);
        let path = |p: &str| AbsPath::parse(p).unwrap();
        assert_eq!(m.0.len(), 6);
        let top = m.at(&path("/mnt/b c")).unwrap();
        assert_eq!((&*top.fstype, &*top.source), ("tmpfs", "tmp\\fs"), "the later one is on top");
        assert_eq!(top.options, ["rw", "rw", "size=64k"]);
        assert_eq!(m.of(&path("/home/x")).unwrap().source, "/dev/sda1");
        assert!(m.is_read_only(&path("/proc/sys/vm/swappiness")));
        assert!(!m.is_read_only(&path("/proc/self")));
        assert!(Mounts::parse(b"").of(&path("/")).is_none());
    }
}
