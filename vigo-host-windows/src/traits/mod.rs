//! Traits: what to read of a Windows machine, and what the answers say.

mod accounts;
mod firewall;
mod hardware;
mod network;
mod registry;
mod running;
mod services;
mod storage;
mod system;
mod table;

pub use table::collectors;
