use super::*;
use crate::agents::Agents;
use crate::backup::{Backups, Places};
use crate::config::Secrets;
use crate::data_dir::{DataDir, Keys};
use crate::keyring::Keyring;
use crate::publish::{Published, Publisher};
use crate::store::{ChangedTrait, Enrolled, Enrolment, Seen, Store};
use crate::vault::Vault;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::{Extension, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Lock};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Mutex, watch};
use tower::ServiceExt as _;
use vigo_core::bundle::{Maintenance, Order, SigningKey};
use vigo_core::fleet::{self, FleetIndex};
use vigo_core::id::EnvoyId;
use vigo_core::server::{AdmittedBy, Trusted, Waiting, Waits};
use vigo_core::time::{Duration, Timestamp};
use vigo_core::wire::Message as _;
use vigo_core::wire::message::{Counts, OrderResult, Report, ResourceReport};

mod access;
mod config;
mod envoys;

const NOW: Timestamp = Timestamp::from_epoch_secs(1_800_000_000);

/// A server that remembers what it was told.
struct Told {
    fleet: Lock<FleetIndex>,
    published: Lock<Vec<u64>>,
    secrets_changed: Lock<u32>,
    ordered: Lock<Vec<Order>>,
    keys: Lock<Arc<Keys>>,
    waiting: Lock<Waiting>,
}

impl Running for Told {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn clock(&self) -> Timestamp {
        NOW
    }

    fn servers(&self) -> Vec<String> {
        vec!["vigo.example:1530".into()]
    }

    fn trusted(&self) -> Vec<Trusted> {
        Vec::new()
    }

    fn envoy(&self, id: EnvoyId) -> Option<fleet::Envoy> {
        self.fleet.lock().unwrap().get(id).cloned()
    }

    fn revoked(&self, id: EnvoyId) {
        self.fleet.lock().unwrap().revoke(id);
    }

    fn is_current(&self, id: EnvoyId) -> bool {
        self.fleet.lock().unwrap().get(id).is_some_and(|envoy| envoy.shown != fleet::Shown::Other)
    }

    fn renamed(&self, id: EnvoyId, hostname: &str) {
        self.fleet.lock().unwrap().rename(id, hostname.into(), fleet::ClassOf::Pending).unwrap();
    }

    fn rests(&self, id: EnvoyId, maintenance: Maintenance, observes: bool) -> bool {
        let mut fleet = self.fleet.lock().unwrap();
        let envoy = fleet.get_mut(id).unwrap();
        (envoy.maintenance, envoy.observes) = (maintenance, observes);
        true
    }

    fn dismissed_clone(&self, id: EnvoyId) {
        self.fleet.lock().unwrap().get_mut(id).unwrap().dismiss_clone();
    }

    fn orders(&self, id: EnvoyId) -> usize {
        self.ordered.lock().unwrap().iter().filter(|order| order.envoy_id == id).count()
    }

    fn ordered(&self, orders: Vec<Order>) -> usize {
        self.ordered.lock().unwrap().extend(orders);
        1
    }

    fn words(&self) -> BTreeMap<String, u64> {
        let fleet = self.fleet.lock().unwrap();
        fleet.iter().map(|envoy| (fleet::Status::of(envoy, NOW).to_string(), 1)).collect()
    }

    fn load(&self) -> Load {
        Load::default()
    }

    fn serial(&self) -> u64 {
        1_799_999_999_000
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.lock().unwrap().clone()
    }

    fn behind(&self, version: u64) -> Vec<Arc<str>> {
        vigo_core::server::behind(&self.fleet.lock().unwrap(), version, NOW).map(|e| e.hostname.clone()).collect()
    }

    fn rekeyed(&self, keys: Arc<Keys>, _: Option<&Published>) {
        *self.keys.lock().unwrap() = keys;
    }

    fn published(&self, published: &Published) {
        self.published.lock().unwrap().push(published.id);
    }

    fn waiting(&self) -> Vec<Waits> {
        self.waiting.lock().unwrap().all(NOW)
    }

    fn admit_waiting(&self, by: &str) -> Vec<Waits> {
        self.waiting.lock().unwrap().admit_all(by, NOW)
    }

    fn secrets_changed(&self) {
        *self.secrets_changed.lock().unwrap() += 1;
    }

    fn secret_uses(&self) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
        BTreeMap::from([("db/pw".into(), vec!["envoys.vgo#1".into()]), ("not/set".into(), vec!["envoys.vgo#1".into()])])
    }
}

struct Temp {
    path: PathBuf,
    _dir: DataDir,
    keys: Arc<Keys>,
    context: Context,
    told: Arc<Told>,
}

impl Temp {
    fn new(name: &str) -> Self {
        Self::with_keys_of(name, NOW)
    }

    fn with_keys_of(name: &str, now: Timestamp) -> Self {
        let path = std::env::temp_dir().join(format!("vigo-api-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let dir = DataDir::open(&path).unwrap();
        let database = path.join("db/vigo.db");
        let keys = Arc::new(Keys::open(&dir, &database, &["localhost".into()], now).unwrap());
        let store = Store::open(&database, &dir.revoked(), NOW).unwrap();
        let (publisher, _) = Publisher::open(dir.root(), keys.bundle.clone(), 0).unwrap();
        let told = Arc::new(Told {
            fleet: Lock::default(),
            published: Lock::default(),
            secrets_changed: Lock::default(),
            ordered: Lock::default(),
            keys: Lock::new(keys.clone()),
            waiting: Lock::default(),
        });
        let publisher = Arc::new(Mutex::new(publisher));
        let hosts = vec!["localhost".into()];
        let agents = Arc::new(Agents::open(dir.root(), &keys.keyset, keys.bundle.clone()).unwrap());
        let keyring = Keyring::new(dir.tls(), hosts, store.clone(), publisher.clone(), agents.clone(), told.clone());
        let about = About {
            fleet: keys.keyset.fleet(),
            root_key: keys.root_public(),
            https_pin: keys.https_pin().unwrap(),
            https: "vigo.example:8443".into(),
            token_ttl: Duration::from_secs(86_400),
            data_dir: path.clone(),
            database: database.clone(),
            metrics_public: false,
            replicates: false,
            started_at: NOW,
        };
        let context = Context {
            store,
            publisher,
            agents,
            vault: Vault::open(&dir, &Secrets::default()).unwrap(),
            vault_turn: Arc::default(),
            envoy_turn: Arc::default(),
            auth: Auth::default(),
            running: told.clone(),
            keyring,
            backups: Backups::new(Places::of(&dir, &crate::config::Config::default(), "localhost")),
            alarms: crate::notify::Alarms::new(),
            about: Arc::new(about),
        };
        Self { path, _dir: dir, keys, context, told }
    }

    fn local(&self) -> Router {
        local(self.context.clone()).layer(Extension(Caller::Local(7)))
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        ask(self.local(), method, path, body.to_string()).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, json!({})).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    /// Returns the id of the envoy that has this name.
    fn id(&self, hostname: &str) -> EnvoyId {
        self.told.fleet.lock().unwrap().named(hostname).unwrap().id
    }

    /// Enrols an envoy, in the store and in memory.
    async fn enrol(&self, key: u8, hostname: &str) -> EnvoyId {
        let signing = SigningKey::from_bytes(&[key; 32]);
        let id = EnvoyId::of(&signing.verifying_key());
        let seen = Seen {
            last_seen: NOW,
            remote: "192.0.2.1".into(),
            agent_version: "0.1.0".into(),
            machine: vec![],
            contact: 0,
            queued: 0,
            keyset: 0,
        };
        let enrolment = Enrolment {
            id,
            identity_key: signing.verifying_key().to_bytes(),
            hostname: hostname.into(),
            admitted: AdmittedBy::Trusted { pattern: "*".into() },
            seen,
        };
        assert!(matches!(self.context.store.enrol(enrolment, NOW).await, Ok(Enrolled::New { .. })));
        let mut envoy = fleet::Envoy::new(id, signing.verifying_key(), hostname.into());
        envoy.last_seen = NOW;
        envoy.cadence = Duration::from_secs(300);
        self.told.fleet.lock().unwrap().insert(envoy).unwrap();
        id
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        self.context.store.close();
        let _ = fs::remove_dir_all(&self.path);
    }
}

async fn ask(router: Router, method: Method, path: &str, body: String) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    let (status, kind) = (answer.status(), answer.headers()["content-type"].to_str().unwrap().to_owned());
    let expected = if status.is_success() || status == 503 { "application/json" } else { "application/problem+json" };
    assert_eq!(kind, expected, "{path}");
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn a_token_is_made_shown_once_and_revoked() {
    let temp = Temp::new("tokens");
    let (status, made) =
        temp.ask(Method::POST, "/api/v1/tokens", json!({ "match": "web-*", "ttl": "2h", "uses": 3 })).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let text = made["token"].as_str().unwrap();
    let pin = temp.keys.https_pin().unwrap();
    let fetch = format!("curl --pinnedpubkey {pin} -sSfk https://vigo.example:8443/bootstrap | sudo");
    assert_eq!(made["command"], format!("{fetch} VIGO_TOKEN={text} sh"));
    assert_eq!(made["command_with_file"], format!("{fetch} VIGO_TOKEN_FILE=FILE sh"));
    let fetch = format!("curl.exe --pinnedpubkey {pin} -sSfk https://vigo.example:8443/bootstrap.ps1 | Out-String");
    let windows = format!("$env:VIGO_TOKEN='{text}'; & ([scriptblock]::Create(({fetch})))");
    assert_eq!(made["command_for_windows"], windows);
    let by_hand = made["command_with_agent"].as_str().unwrap();
    assert!(by_hand.starts_with(&format!("sudo VIGO_TOKEN={text} vigo bootstrap --server vigo.example:1530 ")));
    let (_, left) = temp.ask(Method::POST, "/api/v1/tokens", json!({ "match": "*", "leave_fleet": true })).await;
    for (line, end) in [
        ("command", " sh -s -- --leave-fleet"),
        ("command_with_file", "=FILE sh -s -- --leave-fleet"),
        ("command_for_windows", ")) --leave-fleet"),
        ("command_with_agent", " --leave-fleet"),
    ] {
        assert!(left[line].as_str().is_some_and(|text| text.ends_with(end)), "{line}: {left}");
    }
    temp.ask(Method::DELETE, &format!("/api/v1/tokens/{}", left["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(made["expires_at"], (NOW + Duration::from_secs(7200)).to_string());
    let list = temp.get("/api/v1/tokens").await;
    assert_eq!(list["tokens"].as_array().unwrap().len(), 1);
    let (id, secret) = text.strip_prefix("vgt_").unwrap().split_once('_').unwrap();
    assert_eq!((&list["tokens"][0]["id"], &list["tokens"][0]["uses_left"]), (&json!(id), &json!(3)));
    assert!(!list.to_string().contains(secret) && !list.to_string().contains("$2"), "{list}");
    let stored = temp.context.store.token(id.into()).await.unwrap().unwrap();
    assert_eq!(stored.created_by, "local:7");
    let path = format!("/api/v1/tokens/{id}");
    assert_eq!(temp.ask(Method::DELETE, &path, json!({})).await.0, StatusCode::OK);
    let (status, problem) = temp.ask(Method::DELETE, &path, json!({})).await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("not-found")));
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told() {
    let temp = Temp::new("wrong");
    let token = |body: Value| (Method::POST, "/api/v1/tokens".to_owned(), body.to_string());
    let get = |path: &str| (Method::GET, format!("/api/v1{path}"), String::new());
    let cases = [
        (token(json!({})), 400, "match"),
        (token(json!({ "match": "[" })), 400, "match: "),
        (token(json!({ "match": "*", "ttl": "5x" })), 400, "5x"),
        (token(json!({ "match": "*", "ttl": "366d" })), 400, "ttl: expected up to `365d`"),
        (token(json!({ "match": "*", "uses": 0 })), 400, "uses: expected 1 to"),
        (token(json!({ "match": "*", "hosts": 1 })), 400, "unknown field `hosts`"),
        ((Method::POST, "/api/v1/tokens".into(), "{".into()), 400, "the body: "),
        ((Method::POST, "/api/v1/tokens".into(), format!("{}{{}}", " ".repeat(70_000))), 400, "length limit"),
        ((Method::POST, "/api/v1/rollback".into(), r#"{"id": 9}"#.into()), 404, "publish 9 is not in the history"),
        ((Method::PUT, "/api/v1/tokens".into(), String::new()), 405, "no such method"),
        (get("/nothing%0a"), 404, "there is no path"),
        (get("/envoys/web-9"), 404, "there is no envoy `web-9`"),
        (get("/envoys/%1b%5b2J"), 404, "there is no envoy `\\u{1b}[2J`"),
        (get("/envoys?match=["), 400, "match: "),
        (get("/envoys?after=x"), 400, "after: "),
        (get("/envoys?colour=x"), 400, "unknown field `colour`"),
        (get("/runs?envoy=web-9"), 404, "there is no envoy `web-9`"),
        (get("/runs?before=x"), 400, "before"),
        (get("/runs/x"), 400, "expected the number of a run"),
        (get("/runs/7"), 404, "there is no run `7`"),
    ];
    for ((method, path, body), expected, detail) in cases {
        let (status, problem) = ask(temp.local(), method, &path, body.clone()).await;
        assert_eq!((status.as_u16(), &problem["status"]), (expected, &json!(expected)), "{path} {body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{path} {body}: {problem}");
    }
}

#[tokio::test]
async fn envoys_are_listed_with_what_the_memory_has_of_them() {
    let temp = Temp::new("envoys");
    let mut ids = Vec::new();
    for (key, name) in [(1, "db-1"), (2, "web-1"), (3, "web-2")] {
        ids.push(temp.enrol(key, name).await);
    }
    temp.told.fleet.lock().unwrap().get_mut(ids[0]).unwrap().last_seen = Timestamp::default();
    let names = |answer: &Value| -> Vec<String> {
        answer["envoys"].as_array().unwrap().iter().map(|e| e["hostname"].as_str().unwrap().into()).collect()
    };
    assert_eq!(names(&temp.get("/api/v1/envoys").await), ["db-1", "web-1", "web-2"]);
    assert_eq!(names(&temp.get("/api/v1/envoys?match=web-*").await), ["web-1", "web-2"]);
    assert_eq!(names(&temp.get("/api/v1/envoys?status=offline").await), ["db-1"]);
    let first = temp.get("/api/v1/envoys?limit=2").await;
    assert_eq!(names(&first), ["db-1", "web-1"]);
    let next = format!("/api/v1/envoys?limit=2&after={}", first["next"].as_str().unwrap());
    let second = temp.get(&next).await;
    assert_eq!((names(&second), &second["next"]), (vec!["web-2".to_owned()], &Value::Null));
    temp.context
        .store
        .set_traits(ids[1], [3; 32], r#"{"os":{"family":"debian"}}"#.into(), Vec::new(), NOW)
        .await
        .unwrap();
    let shown = temp.get("/api/v1/envoys/WEB-1").await;
    assert_eq!((&shown["id"], &shown["status"]), (&json!(ids[1].to_string()), &json!("no data")));
    assert_eq!(shown["traits"]["os"]["family"], "debian");
    let (status, revoked) = temp.ask(Method::POST, "/api/v1/envoys/web-1/revoke", json!({})).await;
    assert_eq!((status, &revoked["status"]), (StatusCode::OK, &json!("revoked")));
    assert!(temp.told.fleet.lock().unwrap().get(ids[1]).unwrap().revoked, "the running server was told");
    assert_eq!(names(&temp.get("/api/v1/envoys").await), ["db-1", "web-2"]);
    assert_eq!(names(&temp.get("/api/v1/envoys?revoked=true").await).len(), 3);
    assert_eq!(temp.get(&format!("/api/v1/envoys/{}", ids[1])).await["status"], "revoked");
    let status = temp.get("/api/v1/status").await;
    assert_eq!(status["envoys"], json!({ "total": 2, "by_status": { "no data": 1, "offline": 1 } }));
}

#[tokio::test]
async fn runs_are_listed_and_shown_whole() {
    let temp = Temp::new("runs");
    let id = temp.enrol(1, "web-1").await;
    let report = |seq| Report {
        incarnation: u64::MAX,
        seq,
        outcome: "not converged".into(),
        counts: Some(Counts { ok: 1, failed: 1, ..Counts::default() }),
        resources: vec![ResourceReport {
            id: "web/page".into(),
            cause: "no space".into(),
            ..ResourceReport::default()
        }],
        ..Report::default()
    };
    for seq in 1..=3 {
        temp.context.store.record(id, &report(seq), report(seq).encode(), NOW).await.unwrap().unwrap();
    }
    let page = temp.get("/api/v1/runs?envoy=web-1&limit=2").await;
    assert_eq!((&page["runs"][0]["seq"], &page["runs"][1]["seq"]), (&json!(3), &json!(2)));
    assert_eq!(page["runs"][0]["incarnation"], u64::MAX.to_string());
    let rest = temp.get(&format!("/api/v1/runs?before={}", page["next"])).await;
    assert_eq!((&rest["runs"][0]["seq"], &rest["next"]), (&json!(1), &Value::Null));
    let shown = temp.get(&format!("/api/v1/runs/{}", page["runs"][0]["id"])).await;
    assert_eq!((&shown["resources"][0]["cause"], &shown["hostname"]), (&json!("no space"), &json!("web-1")));
}

#[tokio::test]
async fn a_publish_is_noted_and_served_and_one_that_is_wrong_changes_nothing() {
    let temp = Temp::new("publish");
    let envoys = |text: &str| fs::write(temp.path.join("stacks/envoys.vgo"), text).unwrap();
    let act = |path: &'static str, body: Value| temp.ask(Method::POST, path, body);
    envoys("envoys:\n  - {match: 'web-*', configcrates: [nothing]}\n");
    let (status, problem) = act("/api/v1/publish", json!({})).await;
    assert_eq!((status.as_u16(), &problem["code"]), (422, &json!("invalid-policy")), "{problem}");
    let label = &problem["diagnostics"][0]["labels"][0];
    assert_eq!((&label["file"], &label["line"]), (&json!("envoys.vgo"), &json!(2)), "{problem}");
    assert_eq!(temp.get("/api/v1/status").await["publish"], Value::Null);
    assert!(temp.told.published.lock().unwrap().is_empty());

    fs::create_dir_all(temp.path.join("stacks/configcrates")).unwrap();
    let motd = "resources:\n  - {name: motd, type: file, target_path: /etc/motd, content: hello}\n";
    fs::write(temp.path.join("stacks/configcrates/motd.vgo"), motd).unwrap();
    envoys("envoys:\n  - {match: 'web-*', configcrates: [motd]}\n");
    let (status, first) = act("/api/v1/publish", json!({})).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    assert_eq!((first["classes"].as_array().unwrap().len(), &first["author"]), (1, &json!("local:7")));
    envoys("envoys:\n  - {match: '*', configcrates: [motd]}\n");
    let (_, second) = act("/api/v1/publish", json!({})).await;
    let (status, third) = act("/api/v1/rollback", json!({ "id": first["id"] })).await;
    assert_eq!((status, &third["restores"]), (StatusCode::OK, &first["id"]), "{third}");
    let ids = [&first, &second, &third].map(|p| p["id"].as_u64().unwrap());
    assert_eq!(*temp.told.published.lock().unwrap(), ids, "served in this order");
    let history = temp.get("/api/v1/publishes").await;
    let listed: Vec<_> = history["publishes"].as_array().unwrap().iter().map(|p| p["id"].as_u64().unwrap()).collect();
    assert_eq!(listed, [ids[2], ids[1], ids[0]]);
    assert_eq!(temp.get("/api/v1/status").await["publish"]["id"], ids[2]);
    let rows = temp.context.store.publishes(None, 9).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), listed);
    let audit = temp.context.store.audit_rows(None, 3).await.unwrap();
    let told: Vec<_> = audit.iter().map(|row| (&*row.action, &*row.actor)).collect();
    assert_eq!(told, [("publish.rollback", "local:7"), ("publish", "local:7"), ("publish", "local:7")]);
}

#[tokio::test]
async fn over_https_there_is_health_and_for_strangers_nothing_else() {
    // The client asks the clock whether the certificate is good.
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let temp = Temp::with_keys_of("https", Timestamp::from_epoch_secs(clock.as_secs() as i64));
    let paths = [
        ("/api/v1/health", 200),
        ("/api/v1/ready", 200),
        ("/api/v1/tokens", 401),
        ("/api/v1/envoys", 401),
        ("/api/v1/status", 401),
        ("/api/v1/publishes", 401),
        ("/api/v1/nothing", 404),
    ];
    for (path, expected) in paths {
        let (status, _) = ask(public(temp.context.clone()), Method::GET, path, String::new()).await;
        assert_eq!(status, expected, "{path}");
    }
    let ready = || ask(public(temp.context.clone()), Method::GET, "/api/v1/ready", String::new());
    assert_eq!(ready().await.1, json!({ "ready": true, "reasons": [] }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = watch::channel(false);
    let tls = tls_config(&temp.keys.server).unwrap();
    let (_tls, tls) = watch::channel(tls);
    let serving = tokio::spawn(serve_https(listener, tls, public(temp.context.clone()), ended));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(temp.keys.authority.certificate().to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    stream.write_all(b"GET /api/v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // The connection is kept; the server ends all the same.
    end.send_replace(true);
    tokio::time::timeout(std::time::Duration::from_secs(60), serving).await.unwrap().unwrap();
    temp.context.store.close();
    let (status, answer) = ready().await;
    assert_eq!((status.as_u16(), &answer["ready"]), (503, &json!(false)));
}

/// Sends a request and returns the body as it is.
async fn raw(router: Router, method: Method, path: &str, body: Vec<u8>) -> (StatusCode, Result<Vec<u8>, axum::Error>) {
    let request = Request::builder().method(method).uri(path).header("host", "evil.example").body(Body::from(body));
    let answer = router.oneshot(request.unwrap()).await.unwrap();
    let status = answer.status();
    (status, axum::body::to_bytes(answer.into_body(), 1 << 22).await.map(|bytes| bytes.to_vec()))
}

#[tokio::test]
async fn a_machine_gets_script_and_program_and_the_server_sees_when_it_is_damaged() {
    let temp = Temp::new("agents");
    let mut program = format!("{}9.8.7\n", vigo_core::bundle::PROGRAM_MARK).into_bytes();
    program.resize(1_000_000, 7);
    let path = "/api/v1/agents?target=linux-x86_64";
    assert_eq!(raw(public(temp.context.clone()), Method::POST, path, program.clone()).await.0, 401);
    let (status, answer) = raw(temp.local(), Method::POST, "/api/v1/agents", b"#!/bin/sh\n".to_vec()).await;
    assert_eq!(status, 400, "{answer:?}");
    let (status, answer) = raw(temp.local(), Method::POST, "/api/v1/agents?target=no", program.clone()).await;
    assert_eq!(status, 400, "{answer:?}");
    let (status, answer) = raw(temp.local(), Method::POST, path, program.clone()).await;
    assert_eq!(status, 200, "{answer:?}");
    let list = temp.get("/api/v1/agents").await;
    assert_eq!((&list["agents"][0]["version"], &list["agents"][0]["size"]), (&json!("9.8.7"), &json!(1_000_000)));
    let sha256 = list["agents"][0]["sha256"].as_str().unwrap();

    let public = || public(temp.context.clone());
    let (status, script) = raw(public(), Method::GET, "/bootstrap", Vec::new()).await;
    let script = String::from_utf8(script.unwrap()).unwrap();
    assert_eq!(status, 200);
    for part in [sha256, "'vigo.example:8443'", "'vigo.example:1530'", &temp.keys.root_public()] {
        assert!(script.contains(part), "{part}: {script}");
    }
    assert!(!script.contains("evil") && !script.replace("\"$@\"", "").contains('@'), "{script}");
    let (status, windows) = raw(public(), Method::GET, "/bootstrap.ps1", Vec::new()).await;
    let windows = String::from_utf8(windows.unwrap()).unwrap();
    assert!(status == 200 && windows.contains(sha256) && windows.contains("'vigo.example:8443'"), "{windows}");
    let url = "/bootstrap/binary/linux-x86_64";
    let (status, sent) = raw(public(), Method::GET, url, Vec::new()).await;
    assert!(status == 200 && sent.is_ok_and(|sent| sent == program));
    for other in ["linux-mips", "..%2fagents", "LINUX"] {
        let (status, _) = raw(public(), Method::GET, &format!("/bootstrap/binary/{other}"), Vec::new()).await;
        assert_eq!(status, 404, "{other}");
    }

    let damaged = async || {
        let rows = temp.context.store.audit_rows(None, 100).await.unwrap();
        rows.iter().filter(|row| row.action == "agent.damaged").count()
    };
    assert_eq!(damaged().await, 0);
    let file = temp.path.join("blobs").join(sha256);
    let mut bytes = program.clone();
    bytes[500_000] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (status, sent) = raw(public(), Method::GET, url, Vec::new()).await;
    assert!(status == 200 && sent.is_ok_and(|sent| sent == bytes), "the machine compares it, too");
    while damaged().await < 1 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(raw(public(), Method::GET, url, Vec::new()).await.0, 503);
    let (status, answer) = temp.ask(Method::DELETE, "/api/v1/agents/linux-x86_64", json!({})).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(raw(public(), Method::GET, url, Vec::new()).await.0, 404);
    let rows = temp.context.store.audit_rows(None, 100).await.unwrap();
    let done: Vec<&str> = rows.iter().rev().map(|row| &*row.action).collect();
    assert_eq!(done, ["agent.add", "agent.damaged", "agent.remove"]);
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let temp = Temp::new("silent");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = watch::channel(false);
    let tls = tls_config(&temp.keys.server).unwrap();
    let (_tls, tls) = watch::channel(tls);
    let serving = tokio::spawn(serve_https(listener, tls, public(temp.context.clone()), ended));
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    // A handshake that gets an answer: a server hello, or an alert to what is no handshake.
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let answered = stream.read_to_end(&mut answer);
    tokio::time::timeout(std::time::Duration::from_secs(60), answered).await.unwrap().unwrap();
    assert_eq!(answer.first(), Some(&21), "an alert of TLS: it was listened to");
    end.send_replace(true);
    drop(silent);
    tokio::time::timeout(std::time::Duration::from_secs(60), serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_socket_is_for_its_owner_and_goes_with_the_server() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = Temp::new("socket");
    let path = temp.path.join("run/admin.sock");
    fs::write(&path, "what an earlier server left").unwrap();
    let (end, ended) = watch::channel(false);
    let (socket, router) = (path.clone(), local(temp.context.clone()));
    let serving = tokio::spawn(async move { serve_socket(&socket, router, ended).await });
    let mut stream = loop {
        match UnixStream::connect(&path).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    };
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let request =
        b"POST /api/v1/tokens HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 13\r\n\r\n{\"match\":\"*\"}";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let own = rustix::process::geteuid().as_raw();
    let token = temp.context.store.tokens().await.unwrap().remove(0);
    assert_eq!(token.created_by, format!("local:{own}"));
    assert_eq!(token.expires_at, NOW + Duration::from_secs(86_400), "as the server's configuration says");
    end.send_replace(true);
    serving.await.unwrap().unwrap();
    assert!(!path.exists());
}

#[test]
fn the_socket_admits_root_and_the_servers_own_user() {
    for (uid, server, expected) in [(0, 5, true), (5, 5, true), (6, 5, false), (6, 0, false), (0, 0, true)] {
        assert_eq!(Caller::is_admitted(uid, server), expected, "{uid} at a server of {server}");
    }
}

#[tokio::test]
async fn a_push_is_for_those_that_are_meant_and_is_answered_for() {
    let temp = Temp::new("push");
    let (a, b) = (temp.enrol(1, "web-1").await, temp.enrol(2, "web-2").await);
    temp.enrol(3, "db-1").await;
    let push = |envoys: Value| temp.ask(Method::POST, "/api/v1/push", json!({ "envoys": envoys }));
    for (envoys, expected, detail) in [
        (json!([]), 400, "expected 1 to 1000"),
        (json!(["["]), 400, "`[`"),
        (json!(["web-*", "mail-*"]), 404, "there is no envoy `mail-*`"),
    ] {
        let (status, problem) = push(envoys).await;
        assert_eq!(status, expected, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
    }
    assert!(temp.told.ordered.lock().unwrap().is_empty());
    let (status, pushed) = push(json!(["WEB-*", a.to_string(), "web-2"])).await;
    assert_eq!((status, &pushed), (StatusCode::OK, &json!({ "push": 1, "envoys": 2, "called": 1 })));
    let ordered = temp.told.ordered.lock().unwrap().clone();
    assert_eq!(temp.context.store.open_orders(NOW).await.unwrap().len(), 2, "before it was answered");
    let taken = |envoy: EnvoyId| ordered.iter().find(|order| order.envoy_id == envoy).unwrap().clone();
    let said = OrderResult { outcome: "converged".into(), detail: "1 ok".into(), ..OrderResult::default() };
    let store = &temp.context.store;
    assert!(!store.order_answered(b, taken(a).id, said.clone(), NOW).await.unwrap(), "another's");
    assert!(store.order_answered(a, taken(a).id, said.clone(), NOW).await.unwrap());
    let late = OrderResult { outcome: "fatal".into(), ..said };
    assert!(store.order_answered(a, taken(a).id, late, NOW).await.unwrap());
    let shown = temp.get("/api/v1/pushes/1").await;
    let outcomes: Vec<_> =
        shown["orders"].as_array().unwrap().iter().map(|o| (&o["hostname"], &o["outcome"])).collect();
    assert_eq!(outcomes, [(&json!("web-1"), &json!("converged")), (&json!("web-2"), &json!("waiting"))]);
    assert_eq!(shown["open"], 1);
    let open = store.open_orders(NOW).await.unwrap();
    assert_eq!(open, [taken(b)]);
    let hour = Duration::from_secs(3601);
    assert!(store.open_orders(NOW + hour).await.unwrap().is_empty());
    store.prune_orders(NOW + hour, NOW).await.unwrap();
    assert_eq!(temp.get("/api/v1/pushes/1").await["open"], 1, "it may still be obeyed");
    store.prune_orders(NOW + hour, NOW + hour).await.unwrap();
    assert_eq!(temp.ask(Method::GET, "/api/v1/pushes/1", json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(push(json!(["db-1"])).await.1["push"], 2, "no number comes back");
    for n in 0..16 {
        assert_eq!(push(json!(["web-2"])).await.0, if n < 15 { 200 } else { 409 }, "{n}");
    }
}
