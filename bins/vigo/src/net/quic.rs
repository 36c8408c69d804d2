//! A connection over QUIC.

use super::NetError;
use super::error::{closed_of_quic, failed_of_quic};
use super::session::{ANSWER_PAUSE_MAX, timed_out};
use super::tls::Tls;
use quinn::{Chunk, ClientConfig, Connection, Endpoint, RecvStream, TransportConfig, VarInt};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use vigo_core::limits::REPLY_BYTES_MAX;
use vigo_core::wire::{EXPORTER_LABEL, Exporter, WireError};

/// After what time without a packet the server is gone: it acknowledges what was asked at once, however long the answer
/// takes.
const IDLE: Duration = Duration::from_secs(15);

/// How often a packet is sent while nothing is said.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A connection over QUIC. It closes when it is dropped.
pub(super) struct Quic {
    connection: Connection,
    endpoint: Endpoint,
}

impl Quic {
    /// Connects.
    pub(super) async fn connect(
        server: &str,
        from: Option<IpAddr>,
        address: SocketAddr,
        tls: &Tls,
    ) -> Result<(Self, Exporter), NetError> {
        let unreachable = |why: String| NetError::Unreachable { server: server.to_owned(), why };
        let any = match address {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let from = SocketAddr::new(from.unwrap_or(any), 0);
        let mut transport = TransportConfig::default();
        // invariant: seconds are a span that QUIC can express.
        let idle = IDLE.try_into().expect("seconds");
        transport
            .max_concurrent_bidi_streams(VarInt::from_u32(0))
            .max_concurrent_uni_streams(VarInt::from_u32(0))
            .datagram_receive_buffer_size(None)
            .keep_alive_interval(Some(KEEP_ALIVE))
            .max_idle_timeout(Some(idle));
        let mut config = ClientConfig::new(Arc::clone(&tls.quic) as _);
        config.transport_config(Arc::new(transport));
        let endpoint = Endpoint::client(from).map_err(|e| unreachable(e.to_string()))?;
        let name = tls.name.to_str();
        let connecting = endpoint.connect_with(config, address, &name).map_err(|e| unreachable(e.to_string()))?;
        let connection = connecting.await.map_err(|e| failed_of_quic(server, e))?;
        let mut exporter = Exporter([0; 32]);
        connection
            .export_keying_material(&mut exporter.0, EXPORTER_LABEL, &[])
            .map_err(|_| unreachable("the connection has no keying material".into()))?;
        Ok((Self { connection, endpoint }, exporter))
    }

    /// Sends a request and returns the answer to it, undecoded.
    pub(super) async fn ask(&self, request: &[u8]) -> Result<Vec<u8>, NetError> {
        let result = self.exchange(request).await;
        match self.connection.close_reason() {
            // The stream says less than the connection.
            Some(reason) if result.is_err() => Err(closed_of_quic(reason)),
            _ => result,
        }
    }

    async fn exchange(&self, request: &[u8]) -> Result<Vec<u8>, NetError> {
        let closed = |why: String| NetError::Closed { why };
        let (mut send, mut receive) = self.connection.open_bi().await.map_err(closed_of_quic)?;
        let sending = async {
            // invariant: a request has some megabytes at most.
            send.write_all(&(request.len() as u32).to_be_bytes()).await?;
            send.write_all(request).await
        };
        timeout(ANSWER_PAUSE_MAX, sending).await.map_err(|_| timed_out())?.map_err(|e| closed(e.to_string()))?;
        // It fails only on a stream that was reset, which nobody did.
        let _ = send.finish();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunk(&mut receive, REPLY_BYTES_MAX + 4 - bytes.len()).await? {
            bytes.extend_from_slice(&chunk.bytes);
            if let Some(announced) = bytes.first_chunk::<4>().map(|n| u32::from_be_bytes(*n) as usize)
                && (announced > REPLY_BYTES_MAX || bytes.len() > announced + 4)
            {
                let found = announced.max(bytes.len() - 4);
                return Err(WireError::TooLarge { max: announced.min(REPLY_BYTES_MAX), found }.into());
            }
        }
        match bytes.first_chunk::<4>().map(|n| u32::from_be_bytes(*n) as usize) {
            Some(expected) if bytes.len() == expected + 4 => Ok(bytes.split_off(4)),
            Some(expected) => Err(WireError::Short { expected, found: bytes.len() - 4 }.into()),
            None => Err(WireError::Short { expected: 4, found: bytes.len() }.into()),
        }
    }

    /// Waits for the end.
    pub(super) async fn closed(&self) -> NetError {
        closed_of_quic(self.connection.closed().await)
    }

    /// Says good-bye, and waits a moment for it to get out.
    pub(super) async fn close(&self) {
        self.connection.close(VarInt::from_u32(0), b"");
        let _ = timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await;
    }
}

/// Returns the next bytes of an answer, none at its end.
async fn chunk(receive: &mut RecvStream, max: usize) -> Result<Option<Chunk>, NetError> {
    let chunk = timeout(ANSWER_PAUSE_MAX, receive.read_chunk(max.max(1), true)).await.map_err(|_| timed_out())?;
    chunk.map_err(|e| NetError::Closed { why: e.to_string() })
}
