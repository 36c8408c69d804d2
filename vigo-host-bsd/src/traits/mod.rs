//! Traits that the three tell the same way: by sysctl(8) and a few other programs. What differs each system says itself.

mod bsd;
pub(crate) mod disks;
pub(crate) mod hardware;
pub(crate) mod memory;
pub(crate) mod mounts;
pub(crate) mod pf;
pub(crate) mod services;
pub(crate) mod sysctl;
pub(crate) mod system;

pub(crate) use bsd::Bsd;
