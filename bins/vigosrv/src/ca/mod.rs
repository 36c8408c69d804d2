//! Certificates: the fleet's authority, and the two kinds that it signs.
//!
//! One authority signs both sides, so the kinds must not overlap: a server's certificate is good for being a server and
//! for nothing else, an envoy's for being that envoy. Whatever is asked for, only the public key is taken.

mod authority;
mod error;
mod pem;
mod request;
#[cfg(test)]
mod tests;

pub use authority::{Authority, ServerCertificate};
pub use error::CaError;
pub use pem::{certificate_from_pem, certificate_to_pem};
