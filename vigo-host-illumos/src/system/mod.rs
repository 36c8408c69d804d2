//! Name, time zone, mounts and scheduled jobs of the machine.

mod cron;
mod file;
mod hostname;
mod mount;
mod timezone;

pub(crate) use cron::Jobs;
pub(crate) use hostname::Nodename;
pub(crate) use mount::TableAndMounts;
pub(crate) use timezone::DefaultInit;
