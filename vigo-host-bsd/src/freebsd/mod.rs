//! FreeBSD and DragonFly.

mod host;
mod service;

pub use host::FreeBsd;
