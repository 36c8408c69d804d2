//! Why there is no listener.

use crate::ca::CaError;
use std::net::SocketAddr;
use thiserror::Error;

/// Why there is no listener.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NetError {
    /// The port cannot be had.
    #[error("listen on {transport} {address}: {why}")]
    Bind {
        /// `UDP` or `TCP`.
        transport: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
    /// Certificate, key or authorities are not what they should be.
    #[error("the server's certificates are of no use: {0}")]
    Certificate(#[from] CaError),
    /// The library refuses them.
    #[error("the server's certificates are of no use: {0}")]
    Tls(#[from] rustls::Error),
}
