//! How server and fleet are.

use super::Context;
use super::problem::Problem;
use super::view::time;
use axum::Json as Answer;
use axum::extract::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vigo_core::fleet::Status;

pub(super) async fn status(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let now = context.running.now();
    let mut words: BTreeMap<String, u64> = BTreeMap::new();
    let mut envoys: u64 = 0;
    for envoy in context.store.envoys().await?.iter().filter(|envoy| envoy.revoked_at.is_none()) {
        let word = context.running.envoy(envoy.id).map_or("no data".into(), |live| Status::of(&live, now).to_string());
        *words.entry(word).or_default() += 1;
        envoys += 1;
    }
    let publish = context.store.publishes(None, 1).await?.into_iter().next();
    let restored = context.store.restores().await?.into_iter().find(|restore| restore.reviewed.is_none());
    let (about, load) = (&context.about, context.running.load());
    let connections = load.connections;
    Ok(Answer(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "fleet": about.fleet,
        "root_key": about.root_key,
        "ca_sha256": context.running.keys().authority_fingerprint(),
        "https_pin": about.https_pin,
        "servers": context.running.servers(),
        "started_at": time(about.started_at),
        "now": time(now),
        "envoys": { "total": envoys, "by_status": words },
        "load": {
            "connections": {
                "taken": connections.taken,
                "validated": connections.validated,
                "refused": connections.refused,
                "delayed": connections.delayed,
            },
            "check_ins_put_off": load.check_ins_put_off,
        },
        "restored": restored.as_ref().map(super::restored::view),
        "publish": publish.map(|p| {
            json!({ "id": p.id, "author": p.author, "at": time(p.at), "restores": p.restores })
        }),
    })))
}
