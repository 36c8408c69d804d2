//! Lines of mount(8).

use crate::mounts::Mounted;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Reads a line such as `/dev/ada0p2 on / (ufs, local, read-only)`.
pub(super) fn line(line: &str) -> Option<Mounted> {
    let (head, options) = line.rsplit_once(" (")?;
    let (source, point) = head.split_once(" on /")?;
    let mut words = options.strip_suffix(')')?.split(',').map(str::trim).filter(|o| !o.is_empty());
    let fstype = words.next().filter(|word| !word.contains(' '))?;
    let options: Vec<String> = words.map(word).collect();
    Some(Mounted { source: source.into(), point: format!("/{point}"), fstype: fstype.into(), options })
}

/// Returns an option in the word of fstab(5).
fn word(shown: &str) -> String {
    match shown {
        "read-only" => "ro",
        "synchronous" => "sync",
        "asynchronous" => "async",
        "soft-updates" => "softdep",
        "with quotas" => "quota",
        other => other,
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mount_are_read() {
        let cases = [
            ("/dev/ada0p2 on / (ufs, local, journaled soft-updates)", Some(("/dev/ada0p2", "/", "ufs", 2))),
            ("zroot/ROOT/default on / (zfs, local, noatime, nfsv4acls)", Some(("zroot/ROOT/default", "/", "zfs", 3))),
            ("host:/a b on /mnt on (x) (nfs)", Some(("host:/a b", "/mnt on (x)", "nfs", 0))),
            ("devfs on /dev (devfs)", Some(("devfs", "/dev", "devfs", 0))),
            ("tmpfs on /tmp (tmpfs, local, read-only", None),
            ("mount: not found", None),
            ("devfs on dev (devfs)", None),
            ("x on / ()", None),
        ];
        for (text, expected) in cases {
            let seen = line(text);
            let seen = seen.as_ref().map(|m| (&*m.source, &*m.point, &*m.fstype, m.options.len()));
            assert_eq!(seen, expected, "{text}");
        }
        assert_eq!(line("x on /y (ufs, read-only, asynchronous)").unwrap().options, ["ro", "async"]);
    }
}
