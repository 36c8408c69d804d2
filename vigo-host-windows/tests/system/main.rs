//! Resources converged on machines in memory.

mod machine;
mod registry;
