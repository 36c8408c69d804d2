//! Traits of a NetBSD machine. *Unverified*: written after manual pages.

mod kernel;
mod packages;
mod table;
mod tools;

pub(crate) use table::COLLECTORS;
#[cfg(test)]
pub(crate) use tools::Tools;
