//! What unix systems say.

pub(crate) use super::addresses::addresses;
pub(crate) use super::marks::machine_marks;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use vigo_core::time::Timestamp;
use vigo_core::traits::Memory;

/// Where custom traits are; of equal names the first folder's counts. The first is guarded, into the second a policy may
/// write.
pub(crate) const TRAIT_FOLDERS: &[&str] = &["/etc/vigo-envoy/traits.d", "/usr/local/share/vigo/traits.d"];

/// Returns a folder for secrets that programs read from files, in memory; `None` without the right to it, and where there is
/// no such folder on every machine.
pub(crate) fn secrets_dir() -> Option<PathBuf> {
    let in_memory = if cfg!(target_os = "linux") {
        "/run/vigo"
    } else if cfg!(target_os = "illumos") {
        "/var/run/vigo"
    } else {
        return None;
    };
    is_administrator().then(|| in_memory.into())
}

/// Returns whether we may do everything here.
pub(crate) fn is_administrator() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns the machine's name.
pub(crate) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Returns the kernel's word for the architecture.
pub(crate) fn arch() -> String {
    rustix::system::uname().machine().to_string_lossy().into_owned()
}

/// Returns how many seconds local time is before that of Greenwich.
pub(crate) fn utc_offset_secs(now: Timestamp) -> i32 {
    let at = jiff::Timestamp::from_millisecond(now.epoch_ms());
    at.map_or(0, |at| jiff::tz::TimeZone::system().to_offset(at).seconds())
}

/// Returns whether the kernel's clock follows others', adjtimex(2): it says so until nobody has told it for long.
#[cfg(target_os = "linux")]
pub(crate) fn ntp_synced() -> Option<bool> {
    // SAFETY: all fields are numbers, for which zero is a value; no mode is set, so nothing is changed.
    let (state, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut timex), timex.status)
    };
    (state >= 0).then_some(state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0)
}

/// Returns nothing: the kernel does not say.
#[cfg(not(target_os = "linux"))]
pub(crate) fn ntp_synced() -> Option<bool> {
    None
}

/// Returns nothing: files and programs say it.
pub(crate) fn memory() -> Option<Memory> {
    None
}

/// Returns nothing: files and programs say it.
pub(crate) fn booted(_: Timestamp) -> Option<Timestamp> {
    None
}

/// Where the program that runs can be opened whatever its file is called by now, or when it has none: proc(5).
#[cfg(target_os = "illumos")]
const OWN_PROGRAM: &str = "/proc/self/object/a.out";
#[cfg(target_os = "netbsd")]
const OWN_PROGRAM: &str = "/proc/curproc/exe";
#[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
const OWN_PROGRAM: &str = "/proc/curproc/file";
#[cfg(not(any(target_os = "illumos", target_os = "netbsd", target_os = "freebsd", target_os = "dragonfly")))]
const OWN_PROGRAM: &str = "/proc/self/exe";

/// Opens the program that runs: its file may have another name by now, or none.
pub(crate) fn own_program() -> io::Result<File> {
    File::open(OWN_PROGRAM).or_else(|_| File::open(std::env::current_exe()?))
}
