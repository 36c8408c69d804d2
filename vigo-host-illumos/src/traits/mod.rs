//! Traits of illumos: what kstat(8), files and a few other programs say. Those of areas that are not here are not told yet.

mod clock;
mod hardware;
mod kstat;
mod memory;
mod mounts;
mod packages;
mod services;
mod storage;
mod system;
mod table;
mod tools;

pub(crate) use table::COLLECTORS;
