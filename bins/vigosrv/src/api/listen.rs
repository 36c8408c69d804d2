//! The socket and the port.

use super::guests::{Guests, Place};
use super::{Caller, Remote};
use crate::ca::ServerCertificate;
use axum::extract::Request;
use axum::{Extension, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::util::MapRequestLayer;

/// Connections of the socket at a time.
const CONNECTIONS_MAX: usize = 256;

/// How long a handshake may take: a lost packet or two on a slow line.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// How long the head of a request may take to arrive, and a pause between two.
const HEAD_TIME_MAX: Duration = Duration::from_secs(20);

/// How often it is looked whether all connections have ended.
const LOOK: Duration = Duration::from_millis(20);

/// How long the loop rests after an error that is no connection's: too many open files.
const REST: Duration = Duration::from_millis(100);

/// Why nothing is listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket cannot be made.
    #[error("listen on `{}`: {why}", .path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// Certificate or key are of no use.
    #[error("the certificate for HTTPS is of no use: {0}")]
    Tls(#[from] rustls::Error),
}

/// Returns what HTTPS is served with.
///
/// # Errors
/// [`ListenError::Tls`].
pub fn tls_config(certificate: &ServerCertificate) -> Result<Arc<rustls::ServerConfig>, ListenError> {
    let chain = vec![
        CertificateDer::from(certificate.certificate.clone()),
        CertificateDer::from(certificate.authority.clone()),
    ];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.key.clone()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Answers HTTPS, with what `tls` says at the time, until `end` says true, then finishes what is in hand.
pub async fn serve_https(
    listener: TcpListener,
    tls: watch::Receiver<Arc<rustls::ServerConfig>>,
    router: Router,
    mut end: watch::Receiver<bool>,
) {
    let guests = Arc::new(Guests::default());
    loop {
        let Some(accepted) = until(&mut end, listener.accept()).await else { break };
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(REST).await;
            continue;
        };
        // One too many: it is closed at once.
        let Some((place, leave)) = guests.admit(from.ip()) else { continue };
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow()));
        let (router, end) = (router.clone().layer(Extension(Remote(from))), end.clone());
        tokio::spawn(async move {
            let place = Arc::new(place);
            let served = async {
                if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIME_MAX, acceptor.accept(stream)).await {
                    connection(stream, heard(router, Arc::clone(&place)), end).await;
                }
            };
            tokio::select! {
                () = served => {}
                _ = leave => {}
            }
        });
    }
    while guests.count() > 0 {
        tokio::time::sleep(LOOK).await;
    }
}

/// Notes that a connection has asked something.
fn heard(router: Router, place: Arc<Place>) -> Router {
    router.layer(MapRequestLayer::new(move |request: Request| {
        place.has_asked();
        request
    }))
}

/// Makes the socket, in the place of what an earlier server left, and answers the local administrator on it until `end`
/// says true. `path` lies in a folder that is the server's alone, and the caller holds the lock on it.
///
/// # Errors
/// [`ListenError::Socket`], before anything is answered.
pub async fn serve_socket(path: &Path, router: Router, mut end: watch::Receiver<bool>) -> Result<(), ListenError> {
    let failed = |why| ListenError::Socket { path: path.to_owned(), why };
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed(e)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let (own, room) = (rustix::process::geteuid().as_raw(), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
    loop {
        let Some(accepted) = until(&mut end, listener.accept()).await else { break };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let uid = match stream.peer_cred() {
            Ok(peer) => peer.uid(),
            Err(error) => {
                tracing::warn!("somebody at the socket whom the system does not name: {error}");
                continue;
            }
        };
        if !Caller::is_admitted(uid, own) {
            tracing::warn!("user {uid} at the socket was turned away");
            continue;
        }
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
        let (router, end) = (router.clone().layer(Extension(Caller::Local(uid))), end.clone());
        tokio::spawn(async move {
            let _permit = permit;
            connection(stream, router, end).await;
        });
    }
    finished(&room).await;
    // Nobody answers there any more; one that stays is replaced at the next start.
    let _ = fs::remove_file(path);
    Ok(())
}

/// Answers the requests of one connection.
async fn connection<I>(io: I, router: Router, mut end: watch::Receiver<bool>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME_MAX);
    let mut served = pin!(http.serve_connection(TokioIo::new(io), TowerToHyperService::new(router)));
    // How a connection ends is the other side's affair.
    if let Some(_ended) = until(&mut end, served.as_mut()).await {
        return;
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}

/// Waits for `future`; none when the server ends before.
async fn until<F: Future>(end: &mut watch::Receiver<bool>, future: F) -> Option<F::Output> {
    tokio::select! {
        output = future => Some(output),
        _ = end.wait_for(|end| *end) => None,
    }
}

/// Waits until all connections have ended.
async fn finished(room: &Semaphore) {
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let _ = room.acquire_many(all).await;
}
