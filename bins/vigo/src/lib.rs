//! The agent's driver: it owns processes, files and the terminal, and decides nothing about what to change.

pub mod apply;
pub mod cli;
pub mod executor;
pub mod identity;
pub mod install;
pub mod life;
pub mod net;
pub mod output;
pub mod state;
mod system;
pub mod traits;
mod verb;
#[cfg(windows)]
mod windows;
