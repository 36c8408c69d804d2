//! Who this machine is to its fleet: keys, certificate and what was pinned at enrolment, as files of their own, so that
//! a lost database does not take them along.

mod error;
mod files;
mod machine;
#[cfg(test)]
mod tests;

pub use error::IdentityError;
pub use files::{Identity, Keys, proof_key};
pub use machine::fingerprint;
