//! Collectors that systems of the family of Unix have in common: a system says where its programs are, and what differs.

mod accounts;
mod cert_lifecycle;
mod certificate;
mod custom_types;
mod dns;
mod ifconfig;
mod network;
mod ports;
mod security_scan;
mod ssh;
mod unix;

pub use accounts::{accounts, users};
pub use cert_lifecycle::cert_lifecycle;
pub use custom_types::CUSTOM_TYPES;
pub use dns::DNS;
pub use network::{interfaces, network};
pub use ports::ports;
pub use security_scan::{Mounts, security_scan};
pub use ssh::ssh;
pub use unix::{Programs, Unix};
