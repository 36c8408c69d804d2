//! The agent's programs, and how a machine gets one.

use super::extract::{Name, Params};
use super::problem::Problem;
use super::{Caller, Context, Remote};
use crate::agents::{Agent, AgentsError, Download, Script, script, script_for_windows};
use crate::store::{Actor, Entry};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use vigo_core::bundle::Target;

/// Programs that are sent at a time; who comes then tries again.
const DOWNLOADS_MAX: usize = 128;

/// How long the script waits for a server that looks for its agents.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Added {
    target: Option<String>,
}

/// Answers with the script for Unix.
pub(super) async fn bootstrap(State(context): State<Context>) -> Response {
    (fresh("text/x-shellscript; charset=utf-8"), told(&context, script).await).into_response()
}

/// Answers with the script for Windows.
pub(super) async fn bootstrap_windows(State(context): State<Context>) -> Response {
    (fresh("text/plain; charset=utf-8"), told(&context, script_for_windows).await).into_response()
}

async fn told(context: &Context, script: fn(Script<'_>) -> String) -> String {
    let (about, servers) = (&context.about, context.running.servers());
    // In the first second of a new server.
    let _ = tokio::time::timeout(SETTLE_TIME_MAX, context.agents.settled()).await;
    let ca_sha256 = context.running.keys().authority_fingerprint();
    script(Script {
        https: &about.https,
        https_pin: &about.https_pin,
        servers: &servers,
        root_key: &about.root_key,
        ca_sha256: &ca_sha256,
        agents: &context.agents.all(),
    })
}

/// Answers with a program.
pub(super) async fn binary(
    State(context): State<Context>,
    from: Option<Extension<Remote>>,
    Name(target): Name,
) -> Result<Response, Problem> {
    static DOWNLOADS: OnceLock<Arc<Semaphore>> = OnceLock::new();
    let agent = target.parse().ok().and_then(|target: Target| context.agents.get(&target));
    let agent = agent.ok_or_else(|| Problem::not_found("agent for", &target))?;
    let downloads = DOWNLOADS.get_or_init(|| Arc::new(Semaphore::new(DOWNLOADS_MAX)));
    let Ok(turn) = Arc::clone(downloads).try_acquire_owned() else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many fetch an agent; try again"));
    };
    let path = context.agents.path(&agent.manifest);
    let (store, running, from) = (context.store.clone(), context.running.clone(), from.map(|Extension(Remote(a))| a));
    let subject = target;
    let damaged = {
        let path = path.clone();
        async move |why| {
            tracing::error!("`{}` is damaged: {why}; add the agent again", path.display());
            let actor = from.map_or(Actor::Server, Actor::Machine);
            let entry = Entry { actor, action: "agent.damaged", subject, detail: why };
            if let Err(error) = store.audit(entry, running.now()).await {
                tracing::error!("a damaged agent was not audited: {error}");
            }
        }
    };
    let download = Download::begin(&path, agent.manifest, turn, move |why| damaged(why.to_string()))?;
    Ok((fresh("application/octet-stream"), Body::new(download)).into_response())
}

pub(super) async fn list(State(context): State<Context>) -> Answer<Value> {
    Answer(json!({ "agents": context.agents.all().iter().map(view).collect::<Vec<_>>() }))
}

/// Takes the program that is the body.
pub(super) async fn add(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Params(Added { target }): Params<Added>,
    request: Request,
) -> Result<Answer<Value>, Problem> {
    let target = target.map(|text| text.parse::<Target>()).transpose().map_err(AgentsError::from)?;
    let (sender, mut pieces) = mpsc::channel::<io::Result<Bytes>>(2);
    let agents = context.agents.clone();
    let staging =
        tokio::task::spawn_blocking(move || agents.stage(std::iter::from_fn(|| pieces.blocking_recv()), target));
    let mut body = request.into_body();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let piece = match frame.map(|frame| frame.into_data()) {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(_trailers)) => continue,
            Err(error) => Err(io::Error::other(error)),
        };
        // It ends early where the program is refused.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    let staged = staging.await??;
    let manifest = staged.manifest();
    let entry = Entry {
        actor: caller.actor(),
        action: "agent.add",
        subject: manifest.target.to_string(),
        detail: format!("version {}, SHA-256 {}", manifest.version, manifest.digest()),
    };
    context.store.audit(entry, context.running.now()).await?;
    let agents = context.agents.clone();
    let agent = tokio::task::spawn_blocking(move || agents.commit(staged)).await??;
    Ok(Answer(view(&agent)))
}

pub(super) async fn remove(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(name): Name,
) -> Result<Answer<Value>, Problem> {
    let unknown = || Problem::not_found("agent for", &name).help("see `vigocli server agents list`");
    let target = name.parse::<Target>().map_err(|_| unknown())?;
    if context.agents.get(&target).is_none() {
        return Err(unknown());
    }
    let entry = Entry { actor: caller.actor(), action: "agent.remove", subject: name.clone(), detail: String::new() };
    context.store.audit(entry, context.running.now()).await?;
    let agents = context.agents.clone();
    tokio::task::spawn_blocking(move || agents.remove(&target)).await??;
    Ok(Answer(json!({ "target": name, "removed": true })))
}

fn view(Agent { manifest, signed }: &Agent) -> Value {
    json!({
        "target": manifest.target.to_string(),
        "version": manifest.version,
        "size": manifest.size,
        "sha256": manifest.digest(),
        "manifest": signed.to_hex(),
    })
}

/// Returns the heads of an answer that is not to be kept by anybody in between.
fn fresh(kind: &'static str) -> [(header::HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]
}
