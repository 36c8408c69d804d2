//! One connection: who it is, and its requests.

use super::registry::{Place, Registry};
use super::tls::Tls;
use super::{Limits, Peer, PeerCertificate, Service, Transport};
use rustls::pki_types::{CertificateDer, UnixTime};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use vigo_core::server::{Arrival, Budget, ConnectionCounts, ConnectionLoad, Greeting};
use vigo_core::time::Timestamp;
use vigo_core::wire::{Channel, Envelope, Exporter, ReplayWindow};

/// What all connections of a listener share.
pub(super) struct Shared<S> {
    pub(super) service: S,
    pub(super) limits: Limits,
    pub(super) registry: Arc<Registry>,
    pub(super) tls: watch::Sender<Tls>,
    pub(super) load: Arc<Load>,
}

/// The connections that are taken, by a clock that nobody sets.
pub(super) struct Load {
    budget: Budget,
    start: Instant,
    load: Mutex<ConnectionLoad>,
}

impl Load {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, start: Instant::now(), load: Mutex::default() }
    }

    /// Decides about a connection that can be refused.
    pub(super) fn greet(&self, arrival: Arrival) -> Greeting {
        self.load().greet(arrival, self.budget, self.now())
    }

    /// Takes a connection that cannot, and returns for how long it has to wait.
    pub(super) fn wait(&self) -> Duration {
        Duration::from_millis(self.load().wait(self.budget, self.now()).as_ms())
    }

    pub(super) fn counts(&self) -> ConnectionCounts {
        self.load().counts()
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_epoch_ms(i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn load(&self) -> MutexGuard<'_, ConnectionLoad> {
        self.load.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Service> Shared<S> {
    /// Returns who is at the other end of a connection on [`Channel::Request`]. The certificate is verified here even
    /// though the handshake did so: a resumed one brings it back from the ticket and does not.
    pub(super) fn envoy(
        &self,
        tls: &Tls,
        place: &Place,
        certificates: Option<&[CertificateDer<'_>]>,
        (transport, remote, exporter): (Transport, SocketAddr, Exporter),
    ) -> Option<Peer> {
        let certificate = certificates?.first()?;
        let certificate = tls.verifier.identify(certificate, UnixTime::now()).ok()?;
        place.is_of(certificate.envoy_id);
        Some(peer(Channel::Request, transport, remote, exporter, Some(certificate)))
    }

    /// Answers one request; none when it is no request of the channel: its stream is closed.
    pub(super) async fn answer(&self, peer: &Peer, bytes: &[u8]) -> Option<Vec<u8>> {
        let request = Envelope::decode(peer.channel, bytes).ok()?;
        if !peer.channel.takes(request.kind) {
            return None;
        }
        Some(self.service.handle(peer, request).await)
    }
}

/// Returns a connection's other side. An IPv4 address that a socket for both kinds shows as IPv6 is one of IPv4 again.
pub(super) fn peer(
    channel: Channel,
    transport: Transport,
    remote: SocketAddr,
    exporter: Exporter,
    certificate: Option<PeerCertificate>,
) -> Peer {
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    Peer { channel, transport, remote, exporter, certificate, replays: Mutex::new(ReplayWindow::default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_networks_are_compared_with() {
        for (seen, expected) in [
            ("[::ffff:192.0.2.1]:5", "192.0.2.1:5"),
            ("192.0.2.1:5", "192.0.2.1:5"),
            ("[2001:db8::1]:5", "[2001:db8::1]:5"),
        ] {
            let remote = seen.parse().unwrap();
            let peer = peer(Channel::Enrol, Transport::Tcp, remote, Exporter([0; 32]), None);
            assert_eq!(peer.remote.to_string(), expected);
        }
    }
}
