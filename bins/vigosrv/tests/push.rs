//! Many agents at the real server, over the real protocol, their connections held: a push reaches them at once.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use axum::Extension;
use axum::body::Body;
use axum::http::Request;
use serde_json::Value;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, mpsc};
use tower::ServiceExt as _;
use vigo_agent::net::{
    Anchor, ClientCertificate, ClientIdentity, Session, Transport, TrustAnchors, new_key, signing_request,
};
use vigo_core::bundle::{Order, Signed, SigningKey, VerifyingKey};
use vigo_core::id::EnvoyId;
use vigo_core::server::AdmittedBy;
use vigo_core::time::Timestamp;
use vigo_core::wire::message::{Answer, Await, Awaited, CheckIn, OrderResult, OrderTaken};
use vigo_core::wire::{Channel, Reply};
use vigosrv::agents::Agents;
use vigosrv::api::{About, Auth, Caller, Context, local};
use vigosrv::config::{Config, Span};
use vigosrv::data_dir::{DataDir, Keys};
use vigosrv::keyring::Keyring;
use vigosrv::net::{Limits, Listener, Tls};
use vigosrv::publish::Publisher;
use vigosrv::serve::{Live, Server, Settings};
use vigosrv::store::{Enrolled, Enrolment, Seen, Store};
use vigosrv::vault::Vault;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_epoch_ms(since.as_millis() as i64)
}

/// A server in a folder of its own, and those who are enrolled.
struct Fleet {
    path: PathBuf,
    context: Context,
    listener: Listener,
    trust: TrustAnchors,
    bundle_key: VerifyingKey,
    envoys: Vec<ClientIdentity>,
    _dir: DataDir,
}

impl Fleet {
    async fn new(name: &str, envoys: usize) -> Self {
        let path = std::env::temp_dir().join(format!("vigo-push-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        let dir = DataDir::open(&path).unwrap();
        let database = path.join("db/vigo.db");
        let keys = Keys::open(&dir, &database, &["localhost".into()], now()).unwrap();
        let store = Store::open(&database, &dir.revoked(), now()).unwrap();
        let mut identities = Vec::new();
        for at in 0..envoys {
            let mut seed = [7; 32];
            seed[..8].copy_from_slice(&(at as u64).to_be_bytes());
            let (key, hostname) = (SigningKey::from_bytes(&seed), format!("web-{at}"));
            let id = EnvoyId::of(&key.verifying_key());
            let seen = Seen {
                last_seen: now(),
                remote: "192.0.2.1".into(),
                agent_version: "0.1.0".into(),
                machine: vec![],
                contact: 0,
                queued: 0,
                keyset: 0,
            };
            let (identity_key, admitted) =
                (key.verifying_key().to_bytes(), AdmittedBy::Trusted { pattern: "*".into() });
            let enrolment = Enrolment { id, identity_key, hostname: hostname.clone(), admitted, seen };
            assert!(matches!(store.enrol(enrolment, now()).await, Ok(Enrolled::New { .. })));
            let tls_key = new_key().unwrap();
            let request = signing_request(&tls_key).unwrap();
            let certificate = keys.authority.envoy(&request, id, &hostname, now()).unwrap();
            identities.push(ClientIdentity { key, certificate: Some(ClientCertificate { certificate, key: tls_key }) });
        }
        let authorities: Vec<Vec<u8>> = keys.keyset.cas.iter().map(|ca| ca.certificate.clone()).collect();
        let trust = TrustAnchors {
            authorities: authorities.iter().cloned().map(Anchor::Certificate).collect(),
            server_name: keys.keyset.server_name(),
            newest: Timestamp::default(),
        };
        let tls = Tls::new(&keys.server, &authorities).unwrap();
        let about = About {
            fleet: keys.keyset.fleet(),
            root_key: keys.root_public(),
            https_pin: keys.https_pin().unwrap(),
            https: "localhost:8443".into(),
            token_ttl: vigo_core::time::Duration::from_secs(60),
            data_dir: path.clone(),
            database: database.clone(),
            metrics_public: false,
            replicates: false,
            started_at: now(),
        };
        let (publisher, published) = Publisher::open(dir.root(), keys.bundle.clone(), 0).unwrap();
        let agents = Arc::new(Agents::open(dir.root(), &keys.keyset, keys.bundle.clone()).unwrap());
        let vault = Vault::open(&dir, &vigosrv::config::Secrets::default()).unwrap();
        let bundle_key = keys.bundle.verifying_key();
        let mut config = Config::default();
        config.checkin.hold_below = Span(config.checkin.interval.0);
        let settings = Settings::of(&config, "localhost");
        let (learned, _) = mpsc::channel(1);
        let live = Live::from(published);
        let server = Server::load(store.clone(), keys, settings, live, vault.clone(), learned).await.unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(address, tls, Limits::default(), server.clone()).await.unwrap();
        let publisher = Arc::new(tokio::sync::Mutex::new(publisher));
        let (running, vault_turn, about) = (Arc::new(server), Arc::default(), Arc::new(about));
        let hosts = vec!["localhost".into()];
        let keyring = Keyring::new(dir.tls(), hosts, store.clone(), publisher.clone(), agents.clone(), running.clone());
        let (auth, envoy_turn) = (Auth::default(), Arc::default());
        let backups = vigosrv::backup::Backups::new(vigosrv::backup::Places::of(&dir, &config, "localhost"));
        let alarms = vigosrv::notify::Alarms::new();
        let context = Context {
            store,
            publisher,
            agents,
            vault,
            vault_turn,
            envoy_turn,
            auth,
            running,
            keyring,
            backups,
            alarms,
            about,
        };
        Self { path, context, listener, trust, bundle_key, envoys: identities, _dir: dir }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let router = local(self.context.clone()).layer(Extension(Caller::Local(0)));
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 24).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Connects all envoys, at most `abreast` in their handshake at a time, and returns when all wait to be called.
    async fn connect(&self, abreast: usize) -> Arc<Counts> {
        let (counts, turns) = (Arc::new(Counts::default()), Arc::new(Semaphore::new(abreast)));
        for identity in &self.envoys {
            let (identity, trust) = (identity.clone(), self.trust.clone());
            let (servers, key) = (vec![self.listener.local_addr().to_string()], self.bundle_key);
            let (counts, turns) = (Arc::clone(&counts), Arc::clone(&turns));
            tokio::spawn(async move {
                let turn = turns.acquire().await.unwrap();
                let session = Session::connect(&servers, &trust, &identity, Channel::Request).await.unwrap();
                counts.by_quic.fetch_add(usize::from(session.transport() == Transport::Quic), Ordering::Relaxed);
                drop(turn);
                agent(&session, EnvoyId::of(&identity.key.verifying_key()), key, &counts).await;
            });
        }
        counts.reaches(&counts.waiting, self.envoys.len()).await;
        counts
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.context.store.close();
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[derive(Default)]
struct Counts {
    /// Agents that wait to be called.
    waiting: AtomicUsize,
    /// Orders that were begun, and whose answers the server has.
    begun: AtomicUsize,
    taken: AtomicUsize,
    by_quic: AtomicUsize,
}

impl Counts {
    async fn reaches(&self, count: &AtomicUsize, expected: usize) {
        let start = Instant::now();
        while count.load(Ordering::Relaxed) < expected {
            let found = count.load(Ordering::Relaxed);
            assert!(start.elapsed() < Duration::from_secs(120), "expected {expected}, found {found}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Lives as an agent does, as far as a push goes: it checks in when it is called, believes what is signed, and obeys once.
async fn agent(session: &Session, id: EnvoyId, key: VerifyingKey, counts: &Counts) {
    let (mut contact, mut known) = (0, HashSet::new());
    loop {
        let check_in = CheckIn { contact, held: contact > 0, ..CheckIn::default() };
        let Ok(Reply::Done(answer)) = session.ask::<CheckIn, Answer>(&check_in).await else { return };
        contact = answer.contact;
        assert!(answer.hold);
        for bytes in answer.orders {
            let order = Order::verify(&Signed::decode(&bytes).unwrap(), &[key]).unwrap();
            assert_eq!(order.envoy_id, id);
            if !known.insert(order.id) {
                continue;
            }
            counts.begun.fetch_add(1, Ordering::Relaxed);
            let outcome = "converged".into();
            let result = OrderResult { id: order.id.0.to_vec(), outcome, ..OrderResult::default() };
            let Ok(Reply::Done(taken)) = session.ask::<OrderResult, OrderTaken>(&result).await else { return };
            assert_eq!(taken.id, order.id.0);
            counts.taken.fetch_add(1, Ordering::Relaxed);
        }
        counts.waiting.fetch_add(1, Ordering::Relaxed);
        loop {
            match session.ask::<Await, Awaited>(&Await {}).await {
                Ok(Reply::Done(awaited)) if awaited.check_in => break,
                Ok(Reply::Done(awaited)) if awaited.hold => {}
                _ => return,
            }
        }
        counts.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long it took until the push was answered, until the last agent had its order, and until the last answer was taken.
async fn push(fleet: &Fleet, counts: &Counts) -> [Duration; 3] {
    let (all, start) = (fleet.envoys.len(), Instant::now());
    let pushed = fleet.ask("POST", "/api/v1/push", r#"{"envoys": ["web-*"]}"#).await;
    let answered = start.elapsed();
    assert_eq!(pushed["envoys"], all, "{pushed}");
    counts.reaches(&counts.begun, all).await;
    let begun = start.elapsed();
    counts.reaches(&counts.taken, all).await;
    let done = start.elapsed();
    let shown = fleet.ask("GET", &format!("/api/v1/pushes/{}", pushed["push"]), "").await;
    assert_eq!(shown["open"], 0);
    assert!(shown["orders"].as_array().unwrap().iter().all(|order| order["outcome"] == "converged"));
    assert_eq!(counts.begun.load(Ordering::Relaxed), all, "each once");
    [answered, begun, done]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_reaches_every_held_agent_once() {
    let fleet = Fleet::new("fifty", 50).await;
    let counts = fleet.connect(16).await;
    push(&fleet, &counts).await;
}

/// Prints how long a push to a thousand held agents takes, server and agents on this machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement: run it with `--release --run-ignored all --no-capture`"]
async fn a_push_to_a_thousand_held_agents() {
    let fleet = Fleet::new("thousand", 1000).await;
    let counts = fleet.connect(8).await;
    let [answered, begun, done] = push(&fleet, &counts).await;
    println!(
        "1000 held agents: the push was answered after {answered:?}, the last agent had its order after {begun:?}, the \
         last answer was taken after {done:?}"
    );
}
