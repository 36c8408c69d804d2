//! Envoys over QUIC.

use super::registry::Place;
use super::serve::Shared;
use super::{Limits, Peer, Service, Tls, Transport};
use quinn::{
    Connection, ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig, Incoming, RecvStream, SendStream,
    ServerConfig, TransportConfig, VarInt,
};
use ring::hmac;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use vigo_core::limits::{STREAM_CREDIT, STREAMS_MAX};
use vigo_core::server::{Arrival, Greeting};
use vigo_core::wire::{EXPORTER_LABEL, Exporter};

/// Why a connection is closed: what the other side is told.
const DONE: VarInt = VarInt::from_u32(0);
const IDLE: VarInt = VarInt::from_u32(1);

/// Bytes that one stream may have under way: a request of usual size at once.
const STREAM_WINDOW: u32 = 2 * STREAM_CREDIT as u32;

/// Bytes that a connection may have under way: all its streams at once, so that none of them keeps the others waiting.
const WINDOW: u32 = STREAM_WINDOW * STREAMS_MAX as u32;

/// Returns how QUIC is spoken here.
pub(super) fn config(tls: &Tls, limits: &Limits) -> ServerConfig {
    let mut transport = TransportConfig::default();
    let idle = u32::try_from(limits.idle_max.as_millis()).unwrap_or(u32::MAX);
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX as u32))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .max_idle_timeout(Some(VarInt::from_u32(idle).into()));
    let mut config = ServerConfig::with_crypto(Arc::clone(&tls.quic) as _);
    config.transport_config(Arc::new(transport)).max_incoming(limits.handshakes_max);
    config
}

/// Bytes of a connection's identifier: as many as keep two connections from having one, and nobody can guess.
const ID_BYTES: usize = 8;

/// Time between two packets that end connections of which this server knows nothing: who is told so connects again, five
/// hundred a second leave it room for what else there is.
const RESET_PACE: Duration = Duration::from_millis(2);

/// Returns what the port is opened with. Agents that were connected when a server was killed are told so by the next one
/// with the same key, at their first packet: they need not wait until nothing has come for too long.
pub(super) fn endpoint(tls: &Tls) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &tls.reset_key)));
    // Those of another process are as good as its own: which they are only it could tell.
    config.min_reset_interval(RESET_PACE).cid_generator(|| Box::new(Ids));
    config
}

/// Makes identifiers of connections.
struct Ids;

impl ConnectionIdGenerator for Ids {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID_BYTES];
        // invariant: the system has had randomness since before the keys were made.
        getrandom::fill(&mut id).expect("randomness");
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

/// Takes connections until the endpoint is closed.
pub(super) async fn accept<S: Service>(endpoint: Endpoint, shared: Arc<Shared<S>>, end: watch::Receiver<bool>) {
    while let Some(incoming) = endpoint.accept().await {
        let arrival = Arrival {
            is_valid: incoming.remote_address_validated() || !incoming.may_retry(),
            is_crowded: shared.registry.strangers(Transport::Quic) >= shared.limits.handshakes_max / 4,
        };
        match shared.load.greet(arrival) {
            Greeting::Take => {}
            Greeting::Validate => {
                // It fails only where no retry is allowed, which was asked.
                let _ = incoming.retry();
                continue;
            }
            Greeting::Refuse => {
                incoming.refuse();
                continue;
            }
        }
        let tls = shared.tls.borrow().clone();
        let (shared, end) = (Arc::clone(&shared), end.clone());
        shared.clone().registry.spawn(Transport::Quic, |place| connection(incoming, tls, place, shared, end));
    }
}

async fn connection<S: Service>(
    incoming: Incoming,
    tls: Tls,
    place: Place,
    shared: Arc<Shared<S>>,
    end: watch::Receiver<bool>,
) {
    let config = Arc::new(config(&tls, &shared.limits));
    let Ok(connecting) = incoming.accept_with(config) else { return };
    let Ok(Ok(connection)) = timeout(shared.limits.handshake_time_max, connecting).await else { return };
    let mut exporter = Exporter([0; 32]);
    if connection.export_keying_material(&mut exporter.0, EXPORTER_LABEL, &[]).is_err() {
        return;
    }
    let identity = connection.peer_identity().and_then(|i| i.downcast::<Vec<CertificateDer<'static>>>().ok());
    let from = (Transport::Quic, connection.remote_address(), exporter);
    let Some(peer) = shared.envoy(&tls, &place, identity.as_ref().map(|c| &***c), from) else { return };
    requests(&connection, Arc::new(peer), &shared, end).await;
}

/// What the requests of one connection take turns in.
struct Turns {
    /// Taking in more than a stream has under way.
    large: Semaphore,
    /// Being answered.
    answers: Semaphore,
}

/// Answers requests until the connection ends.
async fn requests<S: Service>(
    connection: &Connection,
    peer: Arc<Peer>,
    shared: &Arc<Shared<S>>,
    mut end: watch::Receiver<bool>,
) {
    let turns = Arc::new(Turns { large: Semaphore::new(1), answers: Semaphore::new(shared.limits.answers_max) });
    // They end with this future.
    let mut answers = JoinSet::new();
    loop {
        tokio::select! {
            opened = connection.accept_bi() => {
                let Ok((send, receive)) = opened else { return };
                let (shared, peer, turns) = (Arc::clone(shared), Arc::clone(&peer), Arc::clone(&turns));
                answers.spawn(async move { request(&shared, &peer, &turns, send, receive).await });
            }
            Some(_) = answers.join_next(), if !answers.is_empty() => {}
            () = sleep(shared.limits.idle_max), if answers.is_empty() => {
                connection.close(IDLE, b"idle");
                return;
            }
            _ = end.wait_for(|ends| *ends) => break,
        }
    }
    while answers.join_next().await.is_some() {}
    connection.close(DONE, b"the server stops");
}

/// Answers one request; a stream that holds none is closed without an answer.
async fn request<S: Service>(
    shared: &Shared<S>,
    peer: &Peer,
    turns: &Turns,
    mut send: SendStream,
    mut receive: RecvStream,
) -> Option<()> {
    let time_max = shared.limits.request_time_max;
    let bytes = timeout(time_max, message(&mut receive, peer.channel.envelope_bytes_max(), &turns.large)).await;
    let _turn = turns.answers.acquire().await.ok()?;
    let reply = match bytes.ok().flatten() {
        Some(bytes) => shared.answer(peer, &bytes).await,
        None => None,
    };
    let Some(reply) = reply else {
        let _ = send.reset(DONE);
        let _ = receive.stop(DONE);
        return None;
    };
    send.write_all(&u32::try_from(reply.len()).ok()?.to_be_bytes()).await.ok()?;
    send.write_all(&reply).await.ok()?;
    send.finish().ok()?;
    // Until it has arrived, the connection is not idle.
    timeout(Duration::from_secs(60), send.stopped()).await.ok()?.ok().map(drop)
}

/// Reads a message behind its length. Of those longer than what a stream has under way, one at a time is taken in.
async fn message(receive: &mut RecvStream, max: usize, large: &Semaphore) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    receive.read_exact(&mut length).await.ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok().filter(|n| *n <= max)?;
    let _turn = if length > STREAM_CREDIT { Some(large.acquire().await.ok()?) } else { None };
    // It grows with what comes, not with what is announced.
    let mut bytes = Vec::new();
    while let Some(chunk) = receive.read_chunk(length + 1 - bytes.len(), true).await.ok()? {
        bytes.extend_from_slice(&chunk.bytes);
        if bytes.len() > length {
            return None;
        }
    }
    (bytes.len() == length).then_some(bytes)
}
