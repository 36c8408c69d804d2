//! Envoys, and those who want to be, over TLS on TCP.

use super::registry::Place;
use super::serve::{Shared, peer};
use super::{Peer, Service, Tls, Transport};
use rustls::server::Acceptor;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use vigo_core::limits::STREAM_CREDIT;
use vigo_core::wire::{Channel, ENROL_ALPN, EXPORTER_LABEL, Exporter, Mux, MuxEvent, REQUEST_ALPN, Side};

/// Takes connections until it is aborted.
pub(super) async fn accept<S: Service>(listener: TcpListener, shared: Arc<Shared<S>>, end: watch::Receiver<bool>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, or the like: it passes.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Those behind it wait in the system's queue, at no cost.
        sleep(shared.load.wait()).await;
        let tls = shared.tls.borrow().clone();
        let (shared, end) = (Arc::clone(&shared), end.clone());
        shared.clone().registry.spawn(Transport::Tcp, |place| async move {
            // Its end is all there is to say.
            let _ = connection(stream, tls, place, shared, end).await;
        });
    }
}

async fn connection<S: Service>(
    stream: TcpStream,
    tls: Tls,
    place: Place,
    shared: Arc<Shared<S>>,
    end: watch::Receiver<bool>,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let remote = stream.peer_addr().ok()?;
    let handshake = async {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await.ok()?;
        let offers = |protocol| hello.client_hello().alpn().is_some_and(|mut all| all.any(|p| p == protocol));
        let channel = if offers(REQUEST_ALPN) {
            Channel::Request
        } else if offers(ENROL_ALPN) {
            Channel::Enrol
        } else {
            return None;
        };
        let config = if channel == Channel::Request { &tls.requests } else { &tls.enrolment };
        Some((channel, hello.into_stream(Arc::clone(config)).await.ok()?))
    };
    let (channel, stream) = timeout(shared.limits.handshake_time_max, handshake).await.ok()??;
    let (_, tls_state) = stream.get_ref();
    let exporter = tls_state.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[])).ok()?;
    let from = (Transport::Tcp, remote, Exporter(exporter));
    match channel {
        Channel::Request => {
            let peer = shared.envoy(&tls, &place, tls_state.peer_certificates(), from)?;
            requests(stream, Arc::new(peer), &shared, end).await
        }
        Channel::Enrol => {
            let peer = peer(channel, from.0, from.1, from.2, None);
            // It still counts as one that has not shown who it is.
            timeout(shared.limits.enrol_time_max, requests(stream, Arc::new(peer), &shared, end)).await.ok()?
        }
    }
}

/// Answers requests until the connection ends.
async fn requests<S: Service>(
    stream: TlsStream<TcpStream>,
    peer: Arc<Peer>,
    shared: &Arc<Shared<S>>,
    mut end: watch::Receiver<bool>,
) -> Option<()> {
    let limits = &shared.limits;
    let (mut read, mut write) = tokio::io::split(stream);
    let mut mux = Mux::new(Side::Server, peer.channel.envelope_bytes_max());
    // They end with this future.
    let mut answers = JoinSet::new();
    let mut input = vec![0; STREAM_CREDIT];
    let (mut output, mut written, mut is_flushed, mut ends) = (Vec::new(), 0, true, false);
    let mut quiet_since = Instant::now();
    // The oldest stream whose request is not whole, and since when it is the oldest.
    let mut receiving = (None, quiet_since);
    loop {
        while answers.len() + mux.sending() < limits.answers_max
            && let Some(event) = mux.poll_event()
        {
            let MuxEvent::Message { stream, bytes } = event else { continue };
            let (shared, peer) = (Arc::clone(shared), Arc::clone(&peer));
            answers.spawn(async move { (stream, shared.answer(&peer, &bytes).await) });
        }
        if receiving.0 != mux.receiving() {
            receiving = (mux.receiving(), Instant::now());
        }
        if written == output.len() {
            output.clear();
            written = 0;
            mux.poll_output(&mut output);
        }
        if ends && answers.is_empty() && output.is_empty() && is_flushed {
            let _ = timeout(Duration::from_secs(1), write.shutdown()).await;
            return Some(());
        }
        // Nobody wants anything, or the other side does not take what it asked for.
        let is_quiet = answers.is_empty() || !output.is_empty();
        tokio::select! {
            read = read.read(&mut input), if mux.wants_input() && !ends => {
                let bytes = input.get(..read.ok().filter(|n| *n > 0)?)?;
                mux.handle(bytes).ok()?;
            }
            sent = send(&mut write, output.get(written..).unwrap_or_default()), if !is_flushed || !output.is_empty() => {
                let sent = sent.ok()?;
                is_flushed = sent == 0;
                written += sent;
            }
            Some(answer) = answers.join_next(), if !answers.is_empty() => match answer.ok()? {
                (stream, Some(reply)) => mux.answer(stream, reply),
                (stream, None) => mux.reset(stream),
            },
            () = sleep_until(receiving.1 + limits.request_time_max), if receiving.0.is_some() => {
                mux.reset(receiving.0?);
            }
            () = sleep_until(quiet_since + limits.idle_max), if is_quiet => return None,
            _ = end.wait_for(|e| *e), if !ends => ends = true,
        }
        quiet_since = Instant::now();
    }
}

/// Sends some of the bytes; when there are none, all that are still here.
async fn send(to: &mut WriteHalf<TlsStream<TcpStream>>, bytes: &[u8]) -> std::io::Result<usize> {
    if bytes.is_empty() {
        return to.flush().await.map(|()| 0);
    }
    match to.write(bytes).await? {
        0 => Err(std::io::ErrorKind::WriteZero.into()),
        sent => Ok(sent),
    }
}
