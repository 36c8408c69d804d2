//! The fleet's keys.

use super::extract::Json;
use super::problem::Problem;
use super::view::time;
use super::{Caller, Context};
use crate::data_dir::Keys;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use vigo_core::agent::validity;
use vigo_core::bundle::{KeyId, KeyKind, KeyState};
use vigo_core::hex;

/// Envoys that are named of those for which a rotation waits.
const WAITING_MAX: usize = 1000;

/// Which key is to be rotated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    kind: String,
    #[serde(default)]
    force: bool,
    root_key: Option<String>,
}

/// The root, as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Root {
    root_key: String,
}

pub(super) async fn show(State(context): State<Context>) -> Answer<Value> {
    Answer(view(&context))
}

pub(super) async fn rotate(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(wanted): Json<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let kind = KeyKind::of(&wanted.kind).ok_or_else(|| {
        Problem::invalid(format!("kind: expected `bundle` or `ca`, found `{}`", wanted.kind.escape_debug()))
    })?;
    context.keyring.rotate(kind, wanted.force, wanted.root_key.as_deref(), caller.actor()).await?;
    Ok(Answer(view(&context)))
}

pub(super) async fn export_root(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
) -> Result<Answer<Value>, Problem> {
    local_only(&caller, "the root key is handled")?;
    let root_key = context.keyring.export_root(caller.actor()).await?;
    Ok(Answer(json!({ "fleet": context.about.fleet, "root_key": root_key })))
}

pub(super) async fn remove_root(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(Root { root_key }): Json<Root>,
) -> Result<Answer<Value>, Problem> {
    local_only(&caller, "the root key is handled")?;
    context.keyring.remove_root(&root_key, caller.actor()).await?;
    Ok(Answer(view(&context)))
}

/// Refuses whoever is elsewhere: a stolen token of an administrator must not be worth the fleet for good.
pub(super) fn local_only(caller: &Caller, what: &str) -> Result<(), Problem> {
    if matches!(caller, Caller::Local(_)) {
        return Ok(());
    }
    let problem = Problem::new(StatusCode::FORBIDDEN, "local-only", format!("{what} on the server's machine only"));
    Err(problem.help("run the same as root on the server's machine"))
}

fn view(context: &Context) -> Value {
    let keys = context.running.keys();
    let bundle = keys.keyset.bundle_keys.iter();
    let bundle = bundle.map(|k| json!({ "id": hex::encode(KeyId::of(&k.key).0), "state": word(k.state) }));
    let cas = keys.keyset.cas.iter().map(|ca| {
        json!({ "sha256": hex::encode(Sha256::digest(&ca.certificate)), "state": word(ca.state), "ends": ends(&ca.certificate) })
    });
    json!({
        "fleet": keys.keyset.fleet(),
        "version": keys.keyset.version,
        "root": { "key": keys.root_public(), "here": keys.root.is_some() },
        "bundle_keys": bundle.collect::<Vec<_>>(),
        "cas": cas.collect::<Vec<_>>(),
        "server_certificate": { "ends": ends(&keys.server.certificate) },
        "rotation": rotation(context, &keys),
        "newer": newer(&keys),
    })
}

/// Returns for whom a rotation waits.
fn rotation(context: &Context, keys: &Arc<Keys>) -> Value {
    let Some(kind) = keys.keyset.rotating() else { return Value::Null };
    let waiting = context.running.behind(keys.keyset.version);
    let names: Vec<&str> = waiting.iter().take(WAITING_MAX).map(|name| &**name).collect();
    json!({ "kind": kind.word(), "waiting": waiting.len(), "waiting_for": names })
}

/// Returns what is known of a key set that the server cannot work with.
fn newer(keys: &Keys) -> Value {
    let Some((learned, _)) = &keys.learned else { return Value::Null };
    json!({ "version": learned.version, "lacking": keys.outdated().iter().map(|kind| kind.word()).collect::<Vec<_>>() })
}

fn ends(certificate: &[u8]) -> Value {
    validity(certificate).map_or(Value::Null, |validity| time(validity.not_after))
}

fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "active",
        KeyState::Next => "next",
        KeyState::Retired => "retired",
    }
}
