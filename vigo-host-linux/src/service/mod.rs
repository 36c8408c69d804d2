//! Services, by the service manager in charge.

mod systemd;
mod unit;
pub(crate) mod unit_file;

pub use systemd::Systemd;
pub use unit::Units;
