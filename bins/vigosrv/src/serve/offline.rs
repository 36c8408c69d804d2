//! One request to a server that does not run, answered by what would answer it if it did.

use super::live::Live;
use super::run::{RunError, hostname, note};
use super::server::{Server, now};
use super::settings::Settings;
use crate::agents::Agents;
use crate::api::{self, About, Auth, Caller, Context, Running};
use crate::config;
use crate::data_dir::{DataDir, DataDirError, Keys};
use crate::keyring::Keyring;
use crate::net::NetError;
use crate::publish::Publisher;
use crate::store::Store;
use crate::vault::LocalVault;
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

/// A request, as it comes in: one JSON object.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    method: String,
    path: String,
    #[serde(default)]
    body: Value,
}

/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Answers one request on the data directory of a server that does not run: `{"method": "POST", "path": "/api/v1/…", "body":
/// {…}}` by `{"status": 200, "body": {…}}`. Whoever may read the keys in there is its administrator.
///
/// # Errors
/// [`RunError`]; [`DataDirError::Locked`] where the server runs, [`DataDirError::NoServer`] where none ever did.
pub async fn offline(data_dir: &Path, request: &str) -> Result<String, RunError> {
    if !data_dir.join("tls").join("keyset").exists() {
        return Err(DataDirError::NoServer { dir: data_dir.to_owned() }.into());
    }
    let asked: Asked = serde_json::from_str(request).map_err(|e| RunError::Asked(e.to_string()))?;
    let wrong = |e: axum::http::Error| RunError::Asked(e.to_string());
    let method = Method::from_bytes(asked.method.as_bytes()).map_err(|e| RunError::Asked(e.to_string()))?;
    let body = if asked.body.is_null() { Body::empty() } else { Body::from(asked.body.to_string()) };
    let request = Request::builder().method(method).uri(&asked.path);
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body).map_err(wrong)?;
    let (_dir, context) = open(data_dir).await?;
    let store = context.store.clone();
    let uid = rustix::process::geteuid().as_raw();
    let router = api::local(context).layer(Extension(Caller::Local(uid)));
    let Ok(response) = router.oneshot(request).await;
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.map_err(|e| RunError::Asked(e.to_string()))?;
    // What was answered is on the disk, in one file.
    store.close();
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(json!({ "status": status, "body": body }).to_string())
}

/// Takes the directory, and makes what the API acts on, without a port.
async fn open(data_dir: &Path) -> Result<(DataDir, Context), RunError> {
    let dir = DataDir::open(data_dir)?;
    let config = config::load(&dir.config())?;
    let database = dir.resolve(&config.database.path);
    let machine = hostname();
    let keys = Keys::open(&dir, &database, &config.server.certificate_hosts(&machine), now())?;
    let store = Store::open(&database, &dir.revoked(), now())?;
    let (publisher, published) = Publisher::open(dir.root(), keys.bundle.clone())?;
    note(&store, publisher.history()?).await?;
    let settings = Settings::of(&config, &machine);
    let agents = Arc::new(Agents::open(dir.root(), &keys.keyset, keys.bundle.clone())?);
    let about = About {
        fleet: keys.keyset.fleet(),
        root_key: keys.root_public(),
        https_pin: keys.https_pin().map_err(NetError::from)?,
        https: config.server.https(&machine, config.server.api_listen.port),
        servers: settings.servers.clone(),
        token_ttl: config.enrollment.token_ttl.0,
        started_at: now(),
    };
    let vault = LocalVault::open(&dir.secrets())?;
    // Nobody tells it of keys: no envoy comes.
    let (learned, _) = mpsc::channel(1);
    let server = Server::load(store.clone(), keys, settings, Live::from(published), vault.clone(), learned).await?;
    let publisher = Arc::new(tokio::sync::Mutex::new(publisher));
    let running: Arc<dyn Running> = Arc::new(server);
    let hosts = config.server.certificate_hosts(&machine);
    let keyring =
        Keyring::new(dir.tls(), hosts, store.clone(), Arc::clone(&publisher), agents.clone(), Arc::clone(&running));
    let (auth, vault_turn, about) = (Auth::default(), Arc::default(), Arc::new(about));
    Ok((dir, Context { store, publisher, agents, vault, vault_turn, auth, running, keyring, about }))
}
