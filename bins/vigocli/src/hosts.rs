//! The adapters of every system: an operator on one machine asks what policy does on another.

use vigo_core::host::Host;
use vigo_host_bsd::{FreeBsd, NetBsd, OpenBsd};
use vigo_host_illumos::Illumos;
use vigo_host_linux::Linux;
use vigo_host_macos::MacOs;
use vigo_host_windows::Windows;

/// Returns the adapters for machines of a family; one that is not known is a Linux.
pub(crate) fn host(family: &str) -> &'static dyn Host {
    match family {
        "freebsd" => &FreeBsd,
        "openbsd" => &OpenBsd,
        "netbsd" => &NetBsd,
        "illumos" => &Illumos,
        "macos" => &MacOs,
        "windows" => &Windows,
        _ => &Linux,
    }
}
