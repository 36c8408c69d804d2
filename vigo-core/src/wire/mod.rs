//! What a server and its agents say to each other, and how each knows that the other said it.
//!
//! A request is an [`Envelope`] on a stream of its own, the answer to it a [`Reply`]; both travel behind their length,
//! four bytes, big endian. The bodies are [protocol buffers](message), whose contract stands beside them in
//! `vigo.proto`: what a side does not know it passes over.

mod envelope;
mod error;
pub mod message;
mod mux;
mod replay;
mod reply;
#[cfg(test)]
mod tests;

pub use envelope::{Channel, ENROL_ALPN, EXPORTER_LABEL, Envelope, Exporter, Kind, REQUEST_ALPN, VERSION};
pub use error::WireError;
pub use message::Message;
pub use mux::{Broken, Mux, MuxError, MuxEvent, Side};
pub use replay::ReplayWindow;
pub use reply::Reply;
