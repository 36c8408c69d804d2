//! What Windows says.

use crate::windows;
pub(crate) use crate::windows::{addresses, hostname, is_administrator, memory};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use vigo_core::time::Timestamp;

/// Where custom traits are; of equal names the first folder's counts. The first is guarded, into the second a policy may
/// write.
pub(crate) const TRAIT_FOLDERS: &[&str] = &["C:\\ProgramData\\Vigo\\traits.d", "C:\\ProgramData\\vigo-local\\traits.d"];

/// Returns nothing: no folder is in memory.
pub(crate) fn secrets_dir() -> Option<PathBuf> {
    None
}

/// Returns the word for the architecture that this agent is built for.
pub(crate) fn arch() -> String {
    std::env::consts::ARCH.into()
}

/// Returns how many seconds local time is before that of Greenwich, now.
pub(crate) fn utc_offset_secs(_: Timestamp) -> i32 {
    windows::utc_offset_secs()
}

/// Returns nothing: a service knows, and only if it runs.
pub(crate) fn ntp_synced() -> Option<bool> {
    None
}

/// Returns when the machine was started.
pub(crate) fn booted(now: Timestamp) -> Option<Timestamp> {
    Some(windows::booted(now))
}

/// Opens the program that runs.
pub(crate) fn own_program() -> io::Result<File> {
    File::open(std::env::current_exe()?)
}

/// Returns what a clone of this machine that was prepared for it does not share with it.
pub(crate) fn machine_marks() -> Vec<Vec<u8>> {
    vec![windows::machine_guid().unwrap_or_default().into_bytes()]
}
