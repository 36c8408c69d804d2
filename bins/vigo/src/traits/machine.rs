//! What the driver tells the collectors.

use crate::{apply, system};
use vigo_core::bundle::TraitsWanted;
use vigo_core::traits::Machine;

/// Looks at clock, kernel and interfaces, as far as the areas that are wanted need it.
pub(super) fn machine(wanted: &TraitsWanted) -> Machine {
    let now = apply::now();
    let clock = wanted.has("time");
    let network = wanted.has("network") || wanted.has("interfaces");
    Machine {
        now,
        utc_offset_secs: if clock { system::utc_offset_secs(now) } else { 0 },
        ntp_synced: if clock { system::ntp_synced() } else { None },
        arch: system::arch(),
        version: env!("CARGO_PKG_VERSION"),
        addresses: if network { system::addresses() } else { Vec::new() },
        memory: system::memory(),
        booted: system::booted(now),
        is_image: false,
    }
}
