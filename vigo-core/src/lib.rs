//! Vigo's core: everything that decides, and nothing that acts.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod action;
pub mod bundle;
pub mod config;
pub mod converge;
pub mod diagnostic;
pub mod entropy;
pub mod glob;
pub mod guard;
pub mod host;
pub mod limits;
pub mod plan;
pub mod resolve;
pub mod resource;
pub mod secret;
pub mod source;
pub mod template;
pub mod time;
pub mod traits;
pub mod value;
pub mod when;
