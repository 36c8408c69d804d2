//! The envoys' way in: QUIC on UDP and TLS on TCP, on one port.
//!
//! Who a connection's other side is, and that a request is one and not too large, is settled here; whether the request is
//! believed and what it gets is for the [`Service`].

mod error;
mod limits;
mod listener;
mod peer;
mod quic;
mod registry;
mod serve;
mod service;
mod tcp;
mod tls;
mod verify;

pub use error::NetError;
pub use limits::Limits;
pub use listener::Listener;
pub use peer::{Peer, PeerCertificate, Transport};
pub use service::Service;
pub use tls::Tls;
