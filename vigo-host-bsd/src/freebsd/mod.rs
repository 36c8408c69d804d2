//! FreeBSD and DragonFly.

mod host;
mod installer;
mod service;

pub use host::FreeBsd;
