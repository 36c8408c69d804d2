//! What Vigo's resources mean on FreeBSD, OpenBSD and NetBSD. Pure tables: which reads observe a state, which calls make
//! it so.
//!
//! The tools are known from their own scripts, run elsewhere, and from their manual pages: nothing here has met a real
//! machine of these systems.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod accounts;
mod answer;
mod blank;
mod freebsd;
mod mounts;
mod name;
mod netbsd;
mod openbsd;
mod places;
mod sources;
mod swapctl;
mod sysctl;
mod timezone;
mod traits;
mod version;

pub use blank::BLANKS;
pub use freebsd::FreeBsd;
pub use netbsd::NetBsd;
pub use openbsd::OpenBsd;
