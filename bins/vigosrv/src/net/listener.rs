//! The port.

use super::registry::Registry;
use super::serve::{Load, Shared};
use super::{Limits, NetError, Service, Tls, quic, tcp};
use quinn::{Endpoint, TokioRuntime, VarInt};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vigo_core::id::EnvoyId;
use vigo_core::server::ConnectionCounts;

/// Attempts to find a number that is free for both: the system gives one for TCP, UDP may have it taken.
const ATTEMPTS: usize = 16;

/// The open port: UDP and TCP of the same number, until [`Listener::shutdown`], or until it is dropped.
pub struct Listener {
    address: SocketAddr,
    registry: Arc<Registry>,
    load: Arc<Load>,
    endpoint: Endpoint,
    limits: Limits,
    /// What takes connections.
    accepting: [JoinHandle<()>; 2],
    /// Whether to end. Every connection holds a receiver.
    end: watch::Sender<bool>,
    set_tls: Box<dyn Fn(Tls) + Send + Sync>,
}

impl Listener {
    /// Opens the port and answers with `service`. Port 0 is any free one, the same for both.
    ///
    /// Runs on the tokio runtime that it is called in.
    ///
    /// # Errors
    /// [`NetError::Bind`].
    pub async fn bind<S: Service>(address: SocketAddr, tls: Tls, limits: Limits, service: S) -> Result<Self, NetError> {
        let (udp, tcp) = sockets(address).await?;
        let failed = |transport| move |why| NetError::Bind { transport, address, why };
        let address = tcp.local_addr().map_err(failed("TCP"))?;
        let config = quic::config(&tls, &limits);
        let endpoint =
            Endpoint::new(quic::endpoint(&tls), Some(config), udp, Arc::new(TokioRuntime)).map_err(failed("UDP"))?;
        let (registry, load) = (Registry::new(limits), Arc::new(Load::new(limits.connections)));
        let tls = watch::Sender::new(tls);
        let shared =
            Arc::new(Shared { service, limits, registry: Arc::clone(&registry), tls, load: Arc::clone(&load) });
        let end = watch::Sender::new(false);
        let accepting = [
            tokio::spawn(quic::accept(endpoint.clone(), Arc::clone(&shared), end.subscribe())),
            tokio::spawn(tcp::accept(tcp, Arc::clone(&shared), end.subscribe())),
        ];
        let set_tls = {
            let endpoint = endpoint.clone();
            Box::new(move |tls: Tls| {
                endpoint.set_server_config(Some(quic::config(&tls, &limits)));
                shared.tls.send_replace(tls);
            })
        };
        Ok(Self { address, registry, load, endpoint, limits, accepting, end, set_tls })
    }

    /// Returns where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns what became of the connections so far.
    pub fn connections(&self) -> ConnectionCounts {
        self.load.counts()
    }

    /// Takes other certificates for the connections to come. Those that are open stay.
    pub fn set_tls(&self, tls: Tls) {
        (self.set_tls)(tls);
    }

    /// Closes the connections of an envoy: it was revoked.
    pub fn close_envoy(&self, envoy_id: EnvoyId) {
        self.registry.close_envoy(envoy_id);
    }

    /// Takes no more connections and requests, lets those in hand be answered for at most `deadline`, and ends.
    pub async fn shutdown(self, deadline: Duration) {
        for accepting in &self.accepting {
            accepting.abort();
        }
        self.endpoint.set_server_config(None);
        self.end.send_replace(true);
        let _ = timeout(deadline, self.end.closed()).await;
        self.registry.close_all();
        self.endpoint.close(VarInt::from_u32(0), b"the server stops");
        // What was said last gets out.
        let _ = timeout(self.limits.idle_max.min(Duration::from_secs(1)), self.endpoint.wait_idle()).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for accepting in &self.accepting {
            accepting.abort();
        }
        self.registry.close_all();
        self.endpoint.close(VarInt::from_u32(0), b"the server stops");
    }
}

/// Returns sockets for both transports on the same number.
async fn sockets(address: SocketAddr) -> Result<(UdpSocket, TcpListener), NetError> {
    let failed = |transport| move |why| NetError::Bind { transport, address, why };
    let mut attempt = 0;
    loop {
        attempt += 1;
        let tcp = TcpListener::bind(address).await.map_err(failed("TCP"))?;
        match UdpSocket::bind(tcp.local_addr().map_err(failed("TCP"))?) {
            Ok(udp) => return Ok((udp, tcp)),
            Err(e) if address.port() != 0 || attempt == ATTEMPTS => return Err(failed("UDP")(e)),
            Err(_) => {}
        }
    }
}
