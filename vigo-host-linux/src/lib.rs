//! What Vigo's resources mean on Linux. Pure tables: which reads observe a state, which calls make it so.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod account;
mod blank;
mod host;
mod installation;
mod mounts;
mod package;
mod process;
mod repository;
mod service;
mod system;
mod traits;

pub use blank::BLANKS;
pub use host::Linux;
