//! A fleet on loopback: an authority, a listener, envoys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use vigo_agent::net::{Anchor, ClientCertificate, ClientIdentity, TrustAnchors, new_key, signing_request};
use vigo_core::bundle::{SigningKey, VerifyingKey};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::wire::message::{Answer, CheckIn, Enrol, Enrolled, Refused, Report, ReportTaken};
use vigo_core::wire::{Channel, Envelope, Kind, Reply};
use vigosrv::ca::Authority;
use vigosrv::net::{Limits, Listener, Peer, PeerCertificate, Service, Tls, Transport};

pub const NAME: &str = "0123456789abcdef.vigo.internal";

pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_epoch_secs(since.as_secs() as i64)
}

pub fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_epoch_secs(now().epoch_secs() - days * 86_400)
}

pub struct Fleet {
    pub ca: Arc<Authority>,
    pub listener: Listener,
    pub seen: Arc<Mutex<Vec<Seen>>>,
    keys: Arc<Mutex<HashMap<EnvoyId, VerifyingKey>>>,
}

/// What the service saw of a request that it believed.
#[derive(Clone, Debug)]
pub struct Seen {
    pub kind: Kind,
    pub transport: Transport,
    pub certificate: Option<PeerCertificate>,
}

struct Fake {
    ca: Arc<Authority>,
    seen: Arc<Mutex<Vec<Seen>>>,
    keys: Arc<Mutex<HashMap<EnvoyId, VerifyingKey>>>,
}

impl Service for Fake {
    async fn handle(&self, peer: &Peer, request: Envelope) -> Vec<u8> {
        let refused = |code: &str| Reply::<Answer>::Refused(Refused { code: code.into(), message: String::new() });
        let key = match request.kind {
            Kind::Enrol => {
                let key: Enrol = request.message().unwrap();
                VerifyingKey::from_bytes(&key.identity_key.try_into().unwrap()).unwrap()
            }
            _ => match self.keys.lock().unwrap().get(&request.envoy_id) {
                Some(key) => *key,
                None => return refused(Refused::UNKNOWN).encode(),
            },
        };
        if request.verify(peer.channel, &key, &peer.exporter).is_err()
            || peer.replays.lock().unwrap().accept(request.sequence).is_err()
        {
            return refused(Refused::INVALID).encode();
        }
        let certificate = peer.certificate.clone();
        self.seen.lock().unwrap().push(Seen { kind: request.kind, transport: peer.transport, certificate });
        match request.kind {
            Kind::CheckIn => {
                let asked: CheckIn = request.message().unwrap();
                if asked.agent_version == "slow" {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                let bundle = vec![7; asked.serial as usize];
                Reply::Done(Answer { contact: asked.contact + 1, bundle: Some(bundle), ..Answer::default() }).encode()
            }
            Kind::Report => {
                let report: Report = request.message().unwrap();
                Reply::Done(ReportTaken { seq: report.error.len() as u64, ..ReportTaken::default() }).encode()
            }
            Kind::Enrol => {
                let enrol: Enrol = request.message().unwrap();
                let id = EnvoyId::of(&key);
                match self.ca.envoy(&enrol.csr, id, &enrol.hostname, now()) {
                    Ok(certificate) => {
                        self.keys.lock().unwrap().insert(id, key);
                        Reply::Done(Enrolled { envoy_id: id.0.to_vec(), certificate, ..Enrolled::default() }).encode()
                    }
                    Err(e) => {
                        let refused = Refused { code: Refused::INVALID.into(), message: e.to_string() };
                        Reply::<Enrolled>::Refused(refused).encode()
                    }
                }
            }
            _ => refused(Refused::INVALID).encode(),
        }
    }
}

impl Fleet {
    pub async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let ca = Arc::new(Authority::generate("0123456789abcdef", now()).unwrap());
        let server = ca.server(NAME, &["localhost".into()], None, now()).unwrap();
        let tls = Tls::new(&server, &[ca.certificate().to_vec()]).unwrap();
        let (seen, keys) = (Arc::default(), Arc::default());
        let service = Fake { ca: Arc::clone(&ca), seen: Arc::clone(&seen), keys: Arc::clone(&keys) };
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), tls, limits, service).await.unwrap();
        Self { ca, listener, seen, keys }
    }

    pub fn servers(&self) -> Vec<String> {
        vec![self.listener.local_addr().to_string()]
    }

    pub fn trust(&self) -> TrustAnchors {
        let authorities = vec![Anchor::Certificate(self.ca.certificate().to_vec())];
        TrustAnchors { authorities, server_name: NAME.into(), newest: Timestamp::default() }
    }

    /// Makes an envoy that the service knows, with a certificate made at `made`.
    pub fn envoy(&self, seed: u8, made: Timestamp) -> ClientIdentity {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let id = EnvoyId::of(&key.verifying_key());
        self.keys.lock().unwrap().insert(id, key.verifying_key());
        let tls_key = new_key().unwrap();
        let certificate = self.ca.envoy(&signing_request(&tls_key).unwrap(), id, "web-1", made).unwrap();
        ClientIdentity { key, certificate: Some(ClientCertificate { certificate, key: tls_key }) }
    }

    /// Returns the address of a way to the listener that only TCP gets through.
    pub async fn tcp_only(&self) -> String {
        let way = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (here, there) = (way.local_addr().unwrap(), self.listener.local_addr());
        tokio::spawn(async move {
            while let Ok((mut from, _)) = way.accept().await {
                tokio::spawn(async move {
                    let mut to = TcpStream::connect(there).await.unwrap();
                    from.set_nodelay(true).unwrap();
                    to.set_nodelay(true).unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                });
            }
        });
        here.to_string()
    }

    /// Opens a connection as an agent would, for tests that say what no agent says.
    pub async fn raw(&self, identity: &ClientIdentity, protocol: &[u8]) -> tokio_rustls::client::TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.listener.local_addr()).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(self.config(identity, protocol)));
        connector.connect(NAME.try_into().unwrap(), stream).await.unwrap()
    }

    pub fn config(&self, identity: &ClientIdentity, protocol: &[u8]) -> rustls::ClientConfig {
        config(self.ca.certificate(), identity, protocol)
    }
}

/// Returns how an agent of this identity goes to a server of this authority.
pub fn config(ca: &[u8], identity: &ClientIdentity, protocol: &[u8]) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.to_vec().into()).unwrap();
    let own = identity.certificate.clone().unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.key).into();
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![own.certificate.into()], key)
        .unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}

pub fn check_in() -> CheckIn {
    CheckIn { contact: 41, ..CheckIn::default() }
}

pub fn request(identity: &ClientIdentity, sequence: u64, exporter: [u8; 32]) -> Vec<u8> {
    let exporter = vigo_core::wire::Exporter(exporter);
    Envelope::sign(Channel::Request, &identity.key, sequence, &exporter, &check_in()).encode()
}
