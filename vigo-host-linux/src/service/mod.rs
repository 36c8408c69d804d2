//! Services, by the service manager in charge.

mod openrc;
mod runit;
mod script;
mod select;
mod systemd;
mod sysv;
mod unit;
pub(crate) mod unit_file;

pub use openrc::OpenRc;
pub use runit::Runit;
pub(crate) use select::{select, select_units};
pub use systemd::Systemd;
pub use sysv::SysV;
pub use unit::Units;
