//! Package managers and where packages come from.

mod ips;
mod listing;
mod publisher;

pub(crate) use ips::{Ips, PKG};
pub(crate) use listing::listed;
pub(crate) use publisher::Publishers;
