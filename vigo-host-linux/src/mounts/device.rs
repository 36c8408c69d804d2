//! The names of a device: a node, a link to it, or a tag such as `UUID=`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vigo_core::action::{AbsPath, FileKind, Op, OpOutput, Outputs};

/// Returns the path that a name stands for, before links: udev makes a link for each tag. `None` for what is no path
/// (`tmpfs`, `server:/export`).
pub(super) fn named(device: &str) -> Option<AbsPath> {
    let (tag, value) = match device.split_once('=') {
        Some((tag, value)) if !device.starts_with('/') => (tag, value.trim_matches('"')),
        _ => return AbsPath::parse(device).ok(),
    };
    let folder = match tag {
        "UUID" => "by-uuid",
        "LABEL" => "by-label",
        "PARTUUID" => "by-partuuid",
        "PARTLABEL" => "by-partlabel",
        "ID" => "by-id",
        _ => return None,
    };
    AbsPath::parse(&format!("/dev/disk/{folder}/{}", encoded(value))).ok()
}

/// Returns the read that tells where a name leads.
pub(super) fn look(device: &str) -> Option<Op> {
    named(device).map(|path| Op::stat(&path))
}

/// Returns the path behind a name, one link followed: what udev makes.
pub(super) fn behind(device: &str, outputs: &Outputs) -> Option<AbsPath> {
    let path = named(device)?;
    match outputs.get(&Op::stat(&path)) {
        Some(OpOutput::Stat(meta)) if meta.kind == FileKind::Symlink => {
            follow(&path, meta.target.as_deref().unwrap_or_default())
        }
        _ => Some(path),
    }
}

/// Returns whether two names are of one device.
pub(super) fn same(a: &str, b: &str, outputs: &Outputs) -> bool {
    let plain = |name: &str| String::from(name.strip_suffix('/').filter(|n| !n.is_empty()).unwrap_or(name));
    if plain(a) == plain(b) {
        return true;
    }
    matches!((behind(a, outputs), behind(b, outputs)), (Some(a), Some(b)) if a == b)
}

fn follow(link: &AbsPath, target: &str) -> Option<AbsPath> {
    if target.starts_with('/') {
        return AbsPath::parse(target).ok();
    }
    let parent = link.parent()?;
    let mut parts: Vec<&str> = parent.as_str().split('/').filter(|p| !p.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    AbsPath::parse(&format!("/{}", parts.join("/"))).ok()
}

/// Encodes a tag as udev does in the name of a link.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if c.is_ascii_alphanumeric() || "#+-.:=@_".contains(c) || !c.is_ascii() {
            out.push(c);
        } else {
            out.push_str(&format!("\\x{:02x}", u32::from(c)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_links() {
        let cases = [
            ("/dev/sda1", Some("/dev/sda1")),
            ("UUID=ab-12", Some("/dev/disk/by-uuid/ab-12")),
            ("LABEL=\"my disk/x\"", Some("/dev/disk/by-label/my\\x20disk\\x2fx")),
            ("PARTLABEL=a", Some("/dev/disk/by-partlabel/a")),
            ("/srv/a=b", Some("/srv/a=b")),
            ("tmpfs", None),
            ("host:/export", None),
            ("WHAT=x", None),
        ];
        for (name, path) in cases {
            assert_eq!(named(name).as_ref().map(AbsPath::as_str), path, "{name}");
        }
        let link = AbsPath::parse("/dev/disk/by-uuid/x").unwrap();
        assert_eq!(follow(&link, "../../sda1").unwrap().as_str(), "/dev/sda1");
        assert_eq!(follow(&link, "/dev/dm-0").unwrap().as_str(), "/dev/dm-0");
        assert_eq!(follow(&link, "../../../../../x").unwrap().as_str(), "/x");
    }
}
