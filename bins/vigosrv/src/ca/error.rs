//! Why there is no certificate.

use thiserror::Error;

/// Why there is no certificate.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum CaError {
    /// Bytes of ours, in a file, that are not what they should be.
    #[error("expected {expected}: {why}")]
    Malformed {
        /// What they should be.
        expected: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The key is not that of the certificate.
    #[error("expected the key of the certificate, found another")]
    OtherKey,
    /// The request is none, or is not signed by the key in it.
    #[error("expected a certificate signing request that is signed by its own P-256 key: {why}")]
    Request {
        /// What is wrong.
        why: String,
    },
    /// A name that cannot stand in a certificate.
    #[error("expected a host name, found `{found}`")]
    Name {
        /// The name.
        found: String,
    },
    /// The clock is where no certificate can be made.
    #[error("expected a clock between the years 1970 and 3000, found {seconds} s after 1970")]
    Clock {
        /// What it shows.
        seconds: i64,
    },
    /// The system has no randomness, or the library refuses.
    #[error("the certificate cannot be made: {why}")]
    Make {
        /// What is wrong.
        why: String,
    },
}
