//! What Vigo's resources mean on macOS. Pure tables: which reads observe a state, which calls make it so.
//!
//! The tools are known from public reports only: nothing here has met a real machine.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod account;
mod blank;
mod brew;
mod host;
mod installer;
mod job;
mod mounted;
mod property_list;
mod service;
mod system;
mod traits;

pub use blank::BLANKS;
pub use host::MacOs;
