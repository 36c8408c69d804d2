//! Disks.

use std::path::Path;

/// Returns the bytes that are free for the server on the disk of a path, and all; statvfs(3).
pub(crate) fn free(path: &Path) -> Option<(u64, u64)> {
    let seen = rustix::fs::statvfs(path).ok()?;
    Some((seen.f_bavail.saturating_mul(seen.f_frsize), seen.f_blocks.saturating_mul(seen.f_frsize)))
}
