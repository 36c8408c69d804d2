//! Traits of a FreeBSD machine. *Unverified*: written after manual pages.

mod disks;
mod firewall;
mod memory;
mod packages;
mod system;
mod table;
mod tools;
mod ucl;

pub(crate) use table::COLLECTORS;
#[cfg(test)]
pub(crate) use tools::Tools;
