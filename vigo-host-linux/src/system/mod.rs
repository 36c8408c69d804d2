//! The machine's name, time zone and kernel parameters.

mod hostname;
mod sysctl;
mod timezone;

pub(crate) use hostname::{FileHostname, Hostnamectl};
pub(crate) use sysctl::Parameters;
pub(crate) use timezone::{LinkedTimezone, Timedatectl};
