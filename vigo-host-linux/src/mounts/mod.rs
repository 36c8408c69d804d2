//! Mounts and swap.

mod device;
mod info;
mod mount;
mod swap;

pub(crate) use info::{Mounts, mountinfo};
pub(crate) use mount::TableAndMounts;
pub(crate) use swap::Swaps;
