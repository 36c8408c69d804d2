//! FreeBSD and DragonFly.

mod group;
mod host;
mod hostname;
mod installer;
mod mount;
mod package;
mod rc_conf;
mod repository;
mod service;
mod swap;
mod timezone;
mod traits;
mod user;

pub use host::FreeBsd;
#[cfg(test)]
pub(crate) use traits::Tools;
