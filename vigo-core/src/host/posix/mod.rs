//! What the tools of POSIX give every unix: adapters over small tables of what differs between systems.

mod cron;
mod process;

pub use cron::{Crontab, Jobs};
pub use process::{Age, Ps, ancestors};
