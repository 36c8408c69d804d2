//! Who this machine is.

use vigo_core::bundle::SigningKey;

/// Who this machine is to its servers.
#[derive(Clone)]
pub struct ClientIdentity {
    /// The identity key, which signs every request.
    pub key: SigningKey,
    /// What the connection is made with: none before enrolment.
    pub certificate: Option<ClientCertificate>,
}

/// A certificate that a server gave, and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// DER.
    pub certificate: Vec<u8>,
    /// PKCS #8, DER: what [`new_key`](super::new_key) made.
    pub key: Vec<u8>,
}
