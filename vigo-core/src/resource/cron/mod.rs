//! `cron`: one scheduled job.

mod crontab;
mod decl;
mod family;
mod next;
mod schedule;

pub use crontab::{only_job, with_job, without_header, without_job};
pub use decl::{DECL, Want};
pub use family::{Action, Cron, State, Task, drop_file, drop_text};
pub use schedule::Schedule;
