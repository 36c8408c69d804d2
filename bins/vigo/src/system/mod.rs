//! What differs from one operating system to the next, beside its operations: which adapters, where things lie, what the
//! system itself says.

#[cfg(unix)]
mod addresses;
mod host;
#[cfg(unix)]
mod marks;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use host::{host, state_dir};
#[cfg(unix)]
pub(crate) use unix::{
    TRAIT_FOLDERS, addresses, arch, booted, hostname, is_administrator, machine_marks, memory, ntp_synced, own_program,
    secrets_dir, utc_offset_secs,
};
#[cfg(windows)]
pub(crate) use windows::{
    TRAIT_FOLDERS, addresses, arch, booted, hostname, is_administrator, machine_marks, memory, ntp_synced, own_program,
    secrets_dir, utc_offset_secs,
};
