//! `cargo xtask test hosts`: real machines, in containers.
//!
//! The stage runs in name spaces of its own (mounts and processes), so that whatever happens nothing stays behind: when
//! the first process of the inside ends or is killed, the kernel ends all machines and takes all mounts away.

mod agent;
mod apt_repository;
mod base;
mod boxes;
mod checks;
mod converge_kills;
mod debian_packages;
mod drift;
mod first;
mod fleet;
mod init_kinds;
mod inside;
mod launch;
mod network;
mod package_kinds;
mod scenario;
mod scenario_converge;
mod scenario_fleet;
mod scenario_hardship;
mod scenario_inits;
mod scenario_packages;
mod scenario_smoke;
mod scenario_stacks;
mod watch;

pub use checks::Checks;
pub use inside::run_inside;
pub use launch::{INSIDE, run};
