//! Resources converged on machines in memory.

mod accounts;
mod cron;
mod machine;
mod packages;
mod registry;
