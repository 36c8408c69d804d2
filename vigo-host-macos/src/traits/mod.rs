//! Traits of a Mac: what sysctl(8) and a few other programs say. Those of areas that are not here are not told yet.

mod accounts;
mod clock;
mod disks;
mod hardware;
mod memory;
mod mounts;
mod packages;
mod services;
mod system;
mod table;
mod tools;

pub(crate) use table::COLLECTORS;
