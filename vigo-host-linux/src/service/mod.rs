//! Services, by the service manager in charge.

mod select;
mod systemd;
mod unit;
pub(crate) mod unit_file;

pub(crate) use select::{select, select_units};
pub use systemd::Systemd;
pub use unit::Units;
