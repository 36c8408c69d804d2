//! Name, time zone and mounts of the machine.

mod hostname;
mod mount;
mod timezone;

pub(crate) use hostname::Scutil;
pub(crate) use mount::TableAndMounts;
pub(crate) use timezone::Systemsetup;
