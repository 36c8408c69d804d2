//! Orders to envoys: converge now.

use super::extract::{Json, Name};
use super::problem::Problem;
use super::view::time;
use super::{Caller, Context};
use crate::store::{Envoy, OrderRow};
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vigo_core::bundle::{Order, OrderId};
use vigo_core::glob::Glob;
use vigo_core::id::EnvoyId;
use vigo_core::limits;
use vigo_core::time::{Duration, Timestamp};

/// Names and globs of one push.
const TARGETS_MAX: usize = 1000;

/// How long an order is offered. Who is away for longer converges when it is back anyway.
const OFFERED: Duration = Duration::from_secs(3600);

/// To whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    /// Hostnames, ids or globs of hostnames.
    envoys: Vec<String>,
}

pub(super) async fn push(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(To { envoys }): Json<To>,
) -> Result<Answer<Value>, Problem> {
    let now = context.running.now();
    let targets = chosen(&context, &envoys).await?;
    let mut busy = targets.iter().filter(|target| context.running.orders(target.id) >= limits::ORDERS_OFFERED_MAX);
    if let Some(target) = busy.next() {
        let most = limits::ORDERS_OFFERED_MAX;
        let detail = format!("`{}` has {most} orders that it has not answered", target.hostname);
        let problem = Problem::new(StatusCode::CONFLICT, "busy", detail);
        return Err(problem.help("wait until it has, or until they are an hour old"));
    }
    let orders = targets.iter().map(|target| order(target.id, now)).collect::<Result<Vec<_>, _>>()?;
    let names = envoys.iter().map(|name| name.escape_debug().to_string()).collect::<Vec<_>>().join(", ");
    let many = if orders.len() == 1 { "1 envoy".to_owned() } else { format!("{} envoys", orders.len()) };
    let detail = format!("{} for {many}: {names}", Order::CONVERGE);
    // The memory follows even when whoever asked is gone by then.
    let ordering = tokio::spawn(async move {
        let push = context.store.order(orders.clone(), detail, caller.actor(), now).await?;
        let called = context.running.ordered(orders);
        Ok::<_, Problem>((push, called))
    });
    let (push, called) = ordering.await??;
    Ok(Answer(json!({ "push": push, "envoys": targets.len(), "called": called })))
}

pub(super) async fn show(State(context): State<Context>, Name(name): Name) -> Result<Answer<Value>, Problem> {
    let push = name.parse().map_err(|_| Problem::invalid("expected the number of a push"))?;
    let (rows, now) = (context.store.push(push).await?, context.running.now());
    let Some(first) = rows.first() else {
        return Err(Problem::not_found("push", &name));
    };
    Ok(Answer(json!({
        "push": push,
        "kind": first.order.kind,
        "issued_at": time(first.order.issued_at),
        "issued_by": first.issued_by,
        "not_after": time(first.order.not_after),
        "open": rows.iter().filter(|row| row.answer.is_none() && row.order.not_after >= now).count(),
        "orders": rows.iter().map(|row| view(row, now)).collect::<Vec<_>>(),
    })))
}

fn view(row: &OrderRow, now: Timestamp) -> Value {
    let (outcome, detail) = match &row.answer {
        Some(answer) => (&*answer.outcome, &*answer.detail),
        None if row.order.not_after < now => ("expired", "it did not come in time"),
        None => ("waiting", ""),
    };
    json!({
        "id": row.order.id.to_string(),
        "envoy": row.order.envoy_id.to_string(),
        "hostname": row.hostname,
        "outcome": outcome,
        "detail": detail,
        "answered_at": row.answer.as_ref().map(|answer| time(answer.at)),
    })
}

/// Returns the envoys of names, ids and globs, each once. Every one of them must mean somebody.
async fn chosen(context: &Context, names: &[String]) -> Result<Vec<Envoy>, Problem> {
    if names.is_empty() || names.len() > TARGETS_MAX {
        let detail = format!("envoys: expected 1 to {TARGETS_MAX} names or globs, found {}", names.len());
        return Err(Problem::invalid(detail));
    }
    let mut all = context.store.envoys().await?;
    all.retain(|envoy| envoy.revoked_at.is_none());
    let mut chosen: BTreeMap<EnvoyId, Envoy> = BTreeMap::new();
    for name in names {
        let glob = Glob::parse(&name.to_ascii_lowercase());
        let glob = glob.map_err(|e| Problem::invalid(format!("envoys: `{}`: {e}", name.escape_debug())))?;
        let id = name.parse::<EnvoyId>().ok();
        let meant = all.iter().filter(|envoy| Some(envoy.id) == id || glob.matches(&envoy.hostname));
        let mut is_some = false;
        for envoy in meant {
            is_some = true;
            chosen.entry(envoy.id).or_insert_with(|| envoy.clone());
        }
        if !is_some {
            return Err(Problem::not_found("envoy", name).help("see `vigocli envoys list`"));
        }
    }
    Ok(chosen.into_values().collect())
}

fn order(envoy_id: EnvoyId, now: Timestamp) -> Result<Order, Problem> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|e| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("no randomness: {e}")))?;
    let not_after = now + OFFERED;
    let kind = Order::CONVERGE.into();
    Ok(Order { id: OrderId(id), envoy_id, kind, body: Vec::new(), issued_at: now, not_after })
}
