//! What Vigo's resources mean on Windows. Pure tables: which reads observe a state, which calls make it so.
//!
//! The tools are known from public reports, and from another implementation of them (Wine): nothing here has met a real
//! machine.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod account;
mod blank;
mod cron;
mod host;
mod hostname;
mod installer;
mod package;
mod powershell;
mod process;
mod program;
mod registry;
mod repository;
mod service;
mod status;
mod timezone;
pub mod traits;

pub use blank::BLANKS;
pub use host::Windows;
