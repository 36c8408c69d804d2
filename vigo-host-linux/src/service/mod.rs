//! Services, by the service manager in charge.

mod openrc;
mod script;
mod select;
mod systemd;
mod sysv;
mod unit;
pub(crate) mod unit_file;

pub use openrc::OpenRc;
pub(crate) use select::{select, select_units};
pub use systemd::Systemd;
pub use sysv::SysV;
pub use unit::Units;
