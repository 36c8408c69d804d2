//! Resources converged on machines in memory.

mod accounts;
mod cron;
mod lowered;
mod machine;
mod packages;
mod registry;
mod repositories;
