//! A connection over TLS on TCP.

use super::NetError;
use super::error::{closed_of_io, failed_of_io};
use super::session::{ANSWER_PAUSE_MAX, timed_out};
use super::tls::Tls;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vigo_core::limits::{STREAM_CREDIT, STREAMS_MAX};
use vigo_core::wire::{Broken, EXPORTER_LABEL, Exporter, Mux, MuxEvent, Side};

/// A connection over TLS on TCP. It closes when it is dropped.
pub(super) struct Tcp {
    asks: mpsc::Sender<Ask>,
    /// Why it ended, when it did.
    ended: watch::Receiver<Option<NetError>>,
}

struct Ask {
    request: Vec<u8>,
    answer: oneshot::Sender<Result<Vec<u8>, NetError>>,
}

impl Tcp {
    /// Connects.
    pub(super) async fn connect(
        server: &str,
        from: Option<IpAddr>,
        address: SocketAddr,
        tls: &Tls,
    ) -> Result<(Self, Exporter), NetError> {
        let stream = match from {
            None => TcpStream::connect(address).await,
            Some(from) => connect_from(from, address).await,
        };
        let stream = stream.map_err(|e| failed_of_io(server, &e))?;
        stream.set_nodelay(true).map_err(|e| failed_of_io(server, &e))?;
        let connector = TlsConnector::from(Arc::clone(&tls.config));
        let stream = connector.connect(tls.name.clone(), stream).await.map_err(|e| failed_of_io(server, &e))?;
        let unreachable = |why: &str| NetError::Unreachable { server: server.to_owned(), why: why.to_owned() };
        if stream.get_ref().1.alpn_protocol().is_none() {
            return Err(unreachable("the other side does not speak the protocol"));
        }
        let exporter = stream.get_ref().1.export_keying_material([0; 32], EXPORTER_LABEL, Some(&[]));
        let exporter = exporter.map_err(|_| unreachable("the connection has no keying material"))?;
        let (asks, taken) = mpsc::channel(STREAMS_MAX);
        let (why, ended) = watch::channel(None);
        let bytes_max = tls.reply_bytes_max();
        tokio::spawn(async move {
            let error = run(stream, taken, bytes_max).await;
            why.send_replace(Some(error));
        });
        Ok((Self { asks, ended }, Exporter(exporter)))
    }

    /// Sends a request and returns the answer to it, undecoded.
    pub(super) async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, NetError> {
        let (answer, answered) = oneshot::channel();
        if self.asks.send(Ask { request, answer }).await.is_err() {
            return Err(self.closed().await);
        }
        match answered.await {
            Ok(answer) => answer,
            Err(_) => Err(self.closed().await),
        }
    }

    /// Ends it, and waits a moment until the server knows.
    pub(super) async fn close(self) {
        let Self { asks, mut ended } = self;
        drop(asks);
        let _ = timeout(Duration::from_secs(1), ended.wait_for(Option::is_some)).await;
    }

    /// Waits for the end.
    pub(super) async fn closed(&self) -> NetError {
        let mut ended = self.ended.clone();
        let why = ended.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        why.unwrap_or_else(|| NetError::Closed { why: "the runtime stops".into() })
    }
}

async fn connect_from(from: IpAddr, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(address).await
}

/// Moves bytes until the connection ends, and returns why.
async fn run(stream: TlsStream<TcpStream>, mut asks: mpsc::Receiver<Ask>, bytes_max: usize) -> NetError {
    let closed = |why: &str| NetError::Closed { why: why.to_owned() };
    let (mut read, mut write) = tokio::io::split(stream);
    let mut mux = Mux::new(Side::Agent, bytes_max);
    let mut waiting: HashMap<u32, oneshot::Sender<Result<Vec<u8>, NetError>>> = HashMap::new();
    let mut input = vec![0; STREAM_CREDIT];
    let (mut output, mut written, mut is_flushed) = (Vec::new(), 0, true);
    let mut quiet_since = Instant::now();
    loop {
        while let Some(event) = mux.poll_event() {
            let (stream, answer) = match event {
                MuxEvent::Message { stream, bytes } => (stream, Ok(bytes)),
                MuxEvent::Broken { stream, why: Broken::Message(why) } => (stream, Err(why.into())),
                MuxEvent::Broken { stream, why: Broken::Reset } => {
                    (stream, Err(closed("the server gave the request up")))
                }
            };
            match waiting.remove(&stream) {
                // Who asked may have gone.
                Some(to) => drop(to.send(answer)),
                None => mux.reset(stream),
            }
        }
        if written == output.len() {
            output.clear();
            written = 0;
            mux.poll_output(&mut output);
        }
        tokio::select! {
            read = read.read(&mut input), if mux.wants_input() => {
                let count = match read {
                    Ok(0) => return closed("the server closed it"),
                    Ok(count) => count,
                    Err(e) => return closed_of_io(&e),
                };
                if let Err(e) = mux.handle(input.get(..count).unwrap_or_default()) {
                    return closed(&e.to_string());
                }
            }
            sent = send(&mut write, output.get(written..).unwrap_or_default()), if !is_flushed || !output.is_empty() => {
                match sent {
                    Ok(sent) => {
                        is_flushed = sent == 0;
                        written += sent;
                    }
                    // What the server said before it closed is worth more.
                    Err(e) => return last_word(&mut read, &mut input).await.unwrap_or_else(|| closed_of_io(&e)),
                }
            }
            ask = asks.recv(), if waiting.len() < STREAMS_MAX => {
                let Some(ask) = ask else {
                    let _ = write.shutdown().await;
                    return closed("this side closed it");
                };
                // The number of those that wait was looked at.
                if let Ok(stream) = mux.open(ask.request) {
                    waiting.insert(stream, ask.answer);
                }
            }
            () = sleep_until(quiet_since + ANSWER_PAUSE_MAX), if !waiting.is_empty() => return timed_out(),
        }
        quiet_since = Instant::now();
    }
}

/// Returns what the server said before it closed, if it said why.
async fn last_word(read: &mut tokio::io::ReadHalf<TlsStream<TcpStream>>, input: &mut [u8]) -> Option<NetError> {
    loop {
        match read.read(input).await {
            Ok(0) => return None,
            Ok(_) => {}
            Err(e) => return Some(closed_of_io(&e)),
        }
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
