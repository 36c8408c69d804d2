//! What answers.

use super::Peer;
use vigo_core::wire::Envelope;

/// Answers requests.
pub trait Service: Send + Sync + 'static {
    /// Answers one request: the bytes of a [`Reply`](vigo_core::wire::Reply).
    ///
    /// The request is one of the connection's channel and within its bounds. Nothing in it is verified: its signature,
    /// [`Peer::replays`], and that [`Peer::certificate`] names its sender, are for the service to hold against it. The
    /// future is dropped where it stands when the connection ends.
    fn handle(&self, peer: &Peer, request: Envelope) -> impl Future<Output = Vec<u8>> + Send;
}
