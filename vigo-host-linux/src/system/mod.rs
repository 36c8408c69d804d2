//! The machine's name, time zone and kernel parameters.

mod hostname;
mod timezone;

pub(crate) use hostname::{FileHostname, Hostnamectl};
pub(crate) use timezone::{LinkedTimezone, Timedatectl};
