//! Vigo's core: everything that decides, and nothing that acts.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod diagnostic;
pub mod limits;
pub mod template;
pub mod time;
pub mod value;
