//! The adapters of the system that this agent is built for.

use vigo_core::host::Host;

#[cfg(target_os = "linux")]
use vigo_host_linux::Linux as Own;

#[cfg(windows)]
use vigo_host_windows::Windows as Own;

/// Returns the adapters of this operating system.
pub(crate) fn host() -> &'static dyn Host {
    &Own
}
