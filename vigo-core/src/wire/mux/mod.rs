//! Requests side by side over one ordered stream of bytes: what QUIC has and TCP has not.

mod error;
mod machine;
#[cfg(test)]
mod tests;

pub use error::MuxError;
pub use machine::{Broken, Mux, MuxEvent, Side};
