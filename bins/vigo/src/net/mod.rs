//! The way to the servers: QUIC, or TLS over TCP where UDP does not get through.

mod certificate;
mod dial;
mod error;
mod identity;
mod quic;
mod session;
mod tcp;
mod tls;
mod trust;
mod verify;

pub use certificate::{new_key, signing_request};
pub use dial::Dialer;
pub use error::NetError;
pub use identity::{ClientCertificate, ClientIdentity};
pub use session::{Session, Transport};
pub use trust::{Anchor, TrustAnchors};
