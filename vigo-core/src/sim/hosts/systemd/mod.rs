//! systemd, as systemctl(1), systemd.unit(5) and systemd.service(5) of version 252 have it.

mod manager;
mod unit;
mod verbs;

pub use manager::Systemd;
pub use unit::{Install, Kind, Unit};
