//! Why there is no answer.

use quinn::{ConnectionClose, ConnectionError, TransportErrorCode};
use std::io::ErrorKind;
use thiserror::Error;
use vigo_core::wire::WireError;

/// Why there is no answer. All of it may be better at the next attempt.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum NetError {
    /// There is no server to ask.
    #[error("expected the address of a server, found none")]
    NoServer,
    /// The address is no `host:port`, or its name is not found.
    #[error("find `{server}`: {why}")]
    Address {
        /// As it was given.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// The server cannot be reached.
    #[error("reach `{server}`: {why}")]
    Unreachable {
        /// As it was given.
        server: String,
        /// What the system says, of each way that was tried.
        why: String,
    },
    /// Nobody listens there: the machine answers, and says so.
    #[error("reach `{server}`: {why}")]
    NobodyListens {
        /// As it was given.
        server: String,
        /// What the system says.
        why: String,
    },
    /// The server takes no more connections for now.
    #[error("`{server}` takes no more connections for now")]
    Busy {
        /// As it was given.
        server: String,
    },
    /// The server is not one of the fleet.
    #[error("the server at `{server}` is not believed: {why}")]
    NotTrusted {
        /// As it was given.
        server: String,
        /// What its certificate lacks.
        why: String,
    },
    /// The server does not let this machine in: it does not know the authority of its certificate, or wants one.
    #[error("the server does not accept this machine's certificate: {why}")]
    CertificateRefused {
        /// What it says.
        why: String,
    },
    /// The machine's own keys or certificates are of no use.
    #[error("the machine's identity is of no use: {why}")]
    Identity {
        /// What is wrong.
        why: String,
    },
    /// The system has no random bytes.
    #[error("make a key: {why}")]
    Random {
        /// What it says.
        why: String,
    },
    /// The connection ended before the answer was there.
    #[error("the connection ended: {why}")]
    Closed {
        /// What the other side, or the system, says.
        why: String,
    },
    /// The answer did not come in time.
    #[error("expected an answer within {seconds} s, found none")]
    TimedOut {
        /// The time.
        seconds: u64,
    },
    /// The answer is none.
    #[error("the answer is not understood: {0}")]
    Wire(#[from] WireError),
}

impl NetError {
    /// Returns whether one side does not believe the other's certificate: keys may have changed.
    pub fn is_of_strangers(&self) -> bool {
        matches!(self, Self::NotTrusted { .. } | Self::CertificateRefused { .. })
    }
}

/// Returns why a connection over QUIC did not come about.
pub(super) fn failed_of_quic(server: &str, error: ConnectionError) -> NetError {
    let server = server.to_owned();
    match error {
        ConnectionError::TransportError(e) if is_certificate(u64::from(e.code)) => {
            NetError::NotTrusted { server, why: e.reason }
        }
        ConnectionError::ConnectionClosed(c) if is_certificate(u64::from(c.error_code)) => refused(&c),
        ConnectionError::ConnectionClosed(c) if c.error_code == TransportErrorCode::CONNECTION_REFUSED => {
            NetError::Busy { server }
        }
        other => NetError::Unreachable { server, why: other.to_string() },
    }
}

/// Returns why a connection over QUIC ended.
pub(super) fn closed_of_quic(error: ConnectionError) -> NetError {
    match error {
        ConnectionError::ConnectionClosed(c) if is_certificate(u64::from(c.error_code)) => refused(&c),
        other => NetError::Closed { why: other.to_string() },
    }
}

fn refused(close: &ConnectionClose) -> NetError {
    let reason = String::from_utf8_lossy(&close.reason);
    NetError::CertificateRefused { why: if reason.is_empty() { close.error_code.to_string() } else { reason.into() } }
}

/// Returns whether a QUIC error code is a TLS alert (RFC 9001 4.8) about a certificate, RFC 8446 6.2.
fn is_certificate(code: u64) -> bool {
    code.checked_sub(0x100).is_some_and(|alert| matches!(alert, 42..=46 | 48 | 116))
}

/// Returns why a connection over TCP did not come about.
pub(super) fn failed_of_io(server: &str, error: &std::io::Error) -> NetError {
    let server = server.to_owned();
    match tls(error) {
        Some(e @ rustls::Error::InvalidCertificate(_)) => NetError::NotTrusted { server, why: e.to_string() },
        Some(rustls::Error::AlertReceived(alert)) if is_certificate(0x100 + u64::from(u8::from(*alert))) => {
            NetError::CertificateRefused { why: format!("{alert:?}") }
        }
        _ if error.kind() == ErrorKind::ConnectionRefused => NetError::NobodyListens { server, why: error.to_string() },
        _ => NetError::Unreachable { server, why: error.to_string() },
    }
}

/// Returns why a connection over TCP ended.
pub(super) fn closed_of_io(error: &std::io::Error) -> NetError {
    match tls(error) {
        Some(rustls::Error::AlertReceived(alert)) if is_certificate(0x100 + u64::from(u8::from(*alert))) => {
            NetError::CertificateRefused { why: format!("{alert:?}") }
        }
        _ => NetError::Closed { why: error.to_string() },
    }
}

fn tls(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
