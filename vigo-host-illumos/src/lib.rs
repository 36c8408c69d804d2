//! What Vigo's resources mean on illumos. Pure tables: which reads observe a state, which calls make it so.
//!
//! The tools are known from their manual pages and sources only: nothing here has met a real machine.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod account;
mod blank;
mod host;
mod installer;
mod mnttab;
mod package;
mod service;
mod system;
mod traits;

pub use blank::BLANKS;
pub use host::Illumos;
