//! Traits: what to read of a Windows machine, and what the answers say.

mod hardware;
mod network;
mod registry;
mod running;
mod system;
mod table;

pub use table::collectors;
