//! The parts of the agent that touch the machine: the executor, the trait collectors, the state that outlives a run.

pub mod executor;
