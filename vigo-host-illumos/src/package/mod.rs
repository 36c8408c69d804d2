//! Package managers and where packages come from.

mod ips;
mod listing;
mod publisher;

pub(crate) use ips::Ips;
pub(crate) use publisher::Publishers;
