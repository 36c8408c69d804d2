//! Resources converged on machines in memory.

mod accounts;
mod machine;
mod packages;
mod registry;
