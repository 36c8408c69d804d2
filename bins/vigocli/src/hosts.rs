//! Machines of every system: an operator on one asks what policy does on another.

use vigo_core::preview::{self, Blank};

/// Returns one machine of each system that Vigo knows.
pub(crate) fn blanks() -> impl Iterator<Item = &'static Blank> + Clone {
    let bsd = vigo_host_bsd::BLANKS.iter().chain(vigo_host_illumos::BLANKS);
    vigo_host_linux::BLANKS.iter().chain(bsd).chain(vigo_host_macos::BLANKS).chain(vigo_host_windows::BLANKS)
}

/// Returns the machine of a distribution or family; of one that is not known it is the first.
pub(crate) fn blank(system: &str) -> &'static Blank {
    preview::named(blanks(), system).unwrap_or(&vigo_host_linux::BLANKS[0])
}
