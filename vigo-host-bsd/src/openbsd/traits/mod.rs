//! Traits of an OpenBSD machine. *Unverified*: written after manual pages.

mod packages;
mod services;
mod table;
mod tools;

pub(crate) use table::COLLECTORS;
#[cfg(test)]
pub(crate) use tools::Tools;
