//! The values of areas that several systems have in one form: a host finds the parts, their fields are named here once.

mod accounts;
mod clock;
mod memory;
mod mounts;
mod network;
mod packages;
mod scan;
mod system;

pub use accounts::{accounts, first_words, users};
pub use clock::{loadavg, time, uptime};
pub use memory::{memory, swap};
pub use mounts::{Mount, filesystem, mountpoints};
pub use network::{Link, Network, dns, interfaces, network, ports};
pub use packages::{packages, repositories, updates};
pub use scan::{Exposure, security_scan};
pub use system::{Os, agent_self, custom_types, guest, init, locale, os};
