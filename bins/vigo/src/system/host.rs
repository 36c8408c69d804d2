//! The adapters of the system that this agent is built for.

use std::path::PathBuf;
use vigo_core::host::Host;

#[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
use vigo_host_bsd::FreeBsd as Own;
#[cfg(target_os = "netbsd")]
use vigo_host_bsd::NetBsd as Own;
#[cfg(target_os = "openbsd")]
use vigo_host_bsd::OpenBsd as Own;
#[cfg(target_os = "illumos")]
use vigo_host_illumos::Illumos as Own;
#[cfg(target_os = "linux")]
use vigo_host_linux::Linux as Own;
#[cfg(target_os = "macos")]
use vigo_host_macos::MacOs as Own;
#[cfg(windows)]
use vigo_host_windows::Windows as Own;

/// Returns the adapters of this operating system.
pub(crate) fn host() -> &'static dyn Host {
    &Own
}

/// Returns where the state of this machine is kept, unless something else is said: where the guardrails and the service
/// have it. An environment does not move it.
pub(crate) fn state_dir() -> PathBuf {
    host().installer().map_or("/var/lib/vigo", |installer| installer.places().state_dir).into()
}
