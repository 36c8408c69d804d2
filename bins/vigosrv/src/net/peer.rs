//! The other side of a connection.

use std::net::SocketAddr;
use std::sync::Mutex;
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::wire::{Channel, Exporter, ReplayWindow};

/// The other side of a connection.
pub struct Peer {
    /// What the connection is for.
    pub channel: Channel,
    /// What carries it.
    pub transport: Transport,
    /// Where it comes from.
    pub remote: SocketAddr,
    /// Keying material of the connection, which every request's signature covers.
    pub exporter: Exporter,
    /// Its certificate: always there on [`Channel::Request`], never on [`Channel::Enrol`].
    pub certificate: Option<PeerCertificate>,
    /// The requests seen. It moves when a signature was verified, never before.
    pub replays: Mutex<ReplayWindow>,
}

/// What carries a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// QUIC over UDP.
    Quic,
    /// TLS over TCP.
    Tcp,
}

/// What an envoy's certificate says. An authority of the fleet signed it, for an envoy; it may have expired, its
/// authority may be retired, the envoy may be unknown or revoked: each request is to be held against that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerCertificate {
    /// Whose it is.
    pub envoy_id: EnvoyId,
    /// The name that the server gave it.
    pub hostname: String,
    /// The last moment at which it is good for more than its renewal.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate of the authority that signed it.
    pub issuer: [u8; 32],
}

impl PeerCertificate {
    /// Returns whether it is good for nothing but its renewal.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now > self.not_after
    }
}
