//! One request to a server that does not run, answered by what would answer it if it did.

use super::claim::claim;
use super::damaged::close_store;
use super::open::{Opened, open};
use super::run::{RunError, hostname};
use crate::api::{self, Caller, Context};
use crate::backup::Backups;
use crate::config;
use crate::data_dir::{DataDir, DataDirError};
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
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

/// Time between two looks at how far a backup is.
const LOOK: Duration = Duration::from_millis(100);

/// Answers one request on the data directory of a server that does not run: `{"method": "POST", "path": "/api/v1/…", "body":
/// {…}}` by `{"status": 200, "body": {…}}`. Whoever may read the keys in there is its administrator. While it makes a backup,
/// `told` hears how many bytes of how many are done.
///
/// # Errors
/// [`RunError`]; [`DataDirError::Locked`] where the server runs, [`DataDirError::NoServer`] where none ever did.
pub async fn offline(
    data_dir: &Path,
    request: &str,
    told: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<String, RunError> {
    if !DataDir::is_servers(data_dir) {
        return Err(DataDirError::NoServer { dir: data_dir.to_owned() }.into());
    }
    let asked: Asked = serde_json::from_str(request).map_err(|e| RunError::Asked(e.to_string()))?;
    let wrong = |e: axum::http::Error| RunError::Asked(e.to_string());
    let method = Method::from_bytes(asked.method.as_bytes()).map_err(|e| RunError::Asked(e.to_string()))?;
    let body = if asked.body.is_null() { Body::empty() } else { Body::from(asked.body.to_string()) };
    let request = Request::builder().method(method).uri(&asked.path);
    let request = request.header(header::CONTENT_TYPE, "application/json").body(body).map_err(wrong)?;
    let dir = claim(|| DataDir::open(data_dir)).await?;
    let config = config::load(&dir.config())?;
    let Opened { context, .. } = open(&dir, &config, &hostname(), config.server.api_listen.port).await?;
    let Context { store, about, backups, .. } = context.clone();
    let uid = rustix::process::geteuid().as_raw();
    let router = api::local(context).layer(Extension(Caller::Local(uid)));
    let mut answering = std::pin::pin!(router.oneshot(request));
    let Ok(response) = loop {
        match tokio::time::timeout(LOOK, &mut answering).await {
            Ok(response) => break response,
            Err(_) => tell(&backups, told),
        }
    };
    tell(&backups, told);
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.map_err(|e| RunError::Asked(e.to_string()))?;
    // What was answered is on the disk, in one file.
    close_store(&dir, &about, &store)?;
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(json!({ "status": status, "body": body }).to_string())
}

fn tell(backups: &Backups, told: &mut (dyn FnMut(u64, u64) + Send)) {
    match backups.reached() {
        (_, 0) => {}
        (done, total) => told(done, total),
    }
}
