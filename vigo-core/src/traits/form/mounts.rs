//! `mountpoints`, `filesystem`.

use super::super::Found;
use super::super::see::{See, fields, int, listed, path, percent};
use crate::action::Op;
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;

/// A file system that is mounted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount<'a> {
    /// What is mounted.
    pub device: &'a str,
    /// Its type.
    pub fstype: &'a str,
    /// Its options, as the system writes them.
    pub options: Vec<&'a str>,
    /// Whether nothing can be written to it.
    pub read_only: bool,
}

/// Returns area `mountpoints`.
pub fn mountpoints<'a>(mounts: impl IntoIterator<Item = (String, Mount<'a>)>) -> Found {
    let one = |(point, mount): (String, Mount<'_>)| {
        let value = fields([
            ("device", Some(Value::text(mount.device))),
            ("fstype", Some(Value::text(mount.fstype))),
            ("options", Some(listed(mount.options))),
            ("read_only", Some(Value::Bool(mount.read_only))),
        ]);
        (point, value)
    };
    Found::Value(Value::map(mounts.into_iter().map(one)))
}

/// Returns area `filesystem` for these mount points, once their space has been asked for.
pub fn filesystem<T: AsRef<str>>(see: See<'_>, points: &[T]) -> Found {
    const MB: u64 = 1 << 20;
    let open = see.open(points.iter().filter_map(|p| Some(Op::Space { path: path(p.as_ref())? })).collect());
    if !open.is_empty() {
        return Found::Ask(open);
    }
    let one = |point: &T| {
        let space = see.space(point.as_ref()).filter(|space| space.size_bytes > 0)?;
        let used = space.size_bytes.saturating_sub(space.free_bytes);
        let inodes_used = space.inodes.saturating_sub(space.inodes_free);
        let value = fields([
            ("size_mb", Some(int(space.size_bytes / MB))),
            ("used_mb", Some(int(used / MB))),
            ("free_mb", Some(int(space.available_bytes / MB))),
            // As df(1): of what users can have.
            ("used_pct", Some(percent(used, used.saturating_add(space.available_bytes)))),
            ("inodes_used_pct", (space.inodes > 0).then(|| percent(inodes_used, space.inodes))),
        ]);
        Some((String::from(point.as_ref()), value))
    };
    Found::Value(Value::map(points.iter().filter_map(one)))
}
