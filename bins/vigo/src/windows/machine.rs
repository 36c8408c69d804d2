//! What Windows says of the machine.

use super::text::narrow;
use std::path::PathBuf;
use vigo_core::time::{Duration, Timestamp};
use vigo_core::traits::Memory;
use windows_sys::Win32::System::SystemInformation::{
    ComputerNamePhysicalDnsHostname, GetComputerNameExW, GetTickCount64, GlobalMemoryStatusEx, MEMORYSTATUSEX,
};
use windows_sys::Win32::System::Time::{GetTimeZoneInformation, TIME_ZONE_INFORMATION};

/// The answers of `GetTimeZoneInformation` that name one of its two times of the year.
const STANDARD: u32 = 1;
const DAYLIGHT: u32 = 2;

/// Returns the machine's own name, without a domain.
pub(crate) fn hostname() -> String {
    let mut name = [0u16; 256];
    let mut len = name.len() as u32;
    // SAFETY: the buffer has as many units as are told.
    let told = unsafe { GetComputerNameExW(ComputerNamePhysicalDnsHostname, name.as_mut_ptr(), &mut len) };
    if told == 0 { String::new() } else { narrow(&name) }
}

/// Returns what there is of memory.
pub(crate) fn memory() -> Option<Memory> {
    let mut status = MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>() as u32, ..Default::default() };
    // SAFETY: it says how large it is.
    if unsafe { GlobalMemoryStatusEx(&mut status) } == 0 {
        return None;
    }
    // The limit of what can be committed counts memory and page files together.
    Some(Memory {
        total_bytes: status.ullTotalPhys,
        available_bytes: status.ullAvailPhys,
        swap_total_bytes: status.ullTotalPageFile.saturating_sub(status.ullTotalPhys),
        swap_free_bytes: status.ullAvailPageFile.saturating_sub(status.ullAvailPhys),
    })
}

/// Returns when the machine was started.
pub(crate) fn booted(now: Timestamp) -> Timestamp {
    // SAFETY: it takes nothing, and cannot fail.
    let since = Duration::from_ms(unsafe { GetTickCount64() });
    Timestamp::from_epoch_ms(now.epoch_ms().saturating_sub(i64::try_from(since.as_ms()).unwrap_or(0)))
}

/// Returns how many seconds local time is before that of Greenwich, now.
pub(crate) fn utc_offset_secs() -> i32 {
    let mut zone = TIME_ZONE_INFORMATION::default();
    // SAFETY: the answer has room.
    let which = unsafe { GetTimeZoneInformation(&mut zone) };
    let bias = match which {
        STANDARD => zone.Bias.saturating_add(zone.StandardBias),
        DAYLIGHT => zone.Bias.saturating_add(zone.DaylightBias),
        _ => zone.Bias,
    };
    bias.saturating_mul(-60)
}

/// Returns a folder of the system that a variable names, or the usual one.
pub(crate) fn folder(variable: &str, usual: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.filter(|path| path.is_absolute()).unwrap_or_else(|| PathBuf::from(usual))
}
