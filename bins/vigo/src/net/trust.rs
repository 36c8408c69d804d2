//! Which servers are believed.

use vigo_core::time::Timestamp;

/// Which servers are believed: whose certificate an authority of the fleet signed, for being a server, under the fleet's
/// name. The address that was dialled says nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustAnchors {
    /// The authorities: those of the key set, or the fingerprint from the bootstrap command.
    pub authorities: Vec<Anchor>,
    /// [`KeySet::server_name`](vigo_core::bundle::KeySet::server_name).
    pub server_name: String,
    /// The newest time that a server ever told: a clock behind it is not believed.
    pub newest: Timestamp,
}

/// An authority.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// Its certificate, DER.
    Certificate(Vec<u8>),
    /// SHA-256 of its certificate, which the server sends along on [`Channel::Enrol`](vigo_core::wire::Channel::Enrol).
    Sha256([u8; 32]),
    /// None: whoever it is, is talked to. For asking for the key set, of which only the root's word is believed.
    Anybody,
}
