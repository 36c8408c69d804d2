//! Traits: what to read of a FreeBSD machine, and what the answers say.

mod accounts;
mod disks;
mod hardware;
mod network;
mod oid;
mod packages;
mod system;
mod table;

pub(super) use table::COLLECTORS;
