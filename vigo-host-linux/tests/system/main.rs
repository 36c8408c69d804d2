//! Resources converged on machines in memory.

mod accounts;
mod authorized_key;
mod cron;
mod host;
mod hostile;
mod machine;
mod mounts;
mod names;
