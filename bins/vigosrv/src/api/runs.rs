//! Runs.

use super::Context;
use super::envoys::find;
use super::extract::{Name, Params, limit};
use super::problem::Problem;
use super::view::{counts, time};
use crate::store::{RunFilter, RunHead};
use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::hex;
use vigo_core::wire::message::ResourceReport;

/// Runs of one page.
const PAGE_MAX: u32 = 500;

/// Which runs are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// An envoy, by id or hostname.
    envoy: Option<String>,
    /// Those before this number: where the page before ended.
    before: Option<i64>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(context): State<Context>,
    Params(wanted): Params<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let envoy = match &wanted.envoy {
        Some(name) => Some(find(&context, name).await?.id),
        None => None,
    };
    let limit = limit(wanted.limit, 50, PAGE_MAX)?;
    let runs = context.store.runs(RunFilter { envoy, before: wanted.before, limit }).await?;
    let next = if runs.len() == limit as usize { runs.last().map(|run| run.id) } else { None };
    Ok(Answer(json!({ "runs": runs.iter().map(head).collect::<Vec<_>>(), "next": next })))
}

pub(super) async fn show(State(context): State<Context>, Name(name): Name) -> Result<Answer<Value>, Problem> {
    let id = name.parse().map_err(|_| Problem::invalid("expected the number of a run"))?;
    let found = context.store.run(id).await?;
    let run = found.ok_or_else(|| Problem::not_found("run", &name).help("see `vigocli runs list`"))?;
    let mut answer = head(&run.head);
    answer["error"] = run.report.error.as_str().into();
    answer["left_out"] = run.report.left_out.into();
    answer["resources"] = run.report.resources.iter().map(resource).collect();
    Ok(Answer(answer))
}

fn head(run: &RunHead) -> Value {
    json!({
        "id": run.id,
        "envoy": run.envoy.to_string(),
        "hostname": run.hostname,
        // As text: JavaScript has no numbers of 64 bits.
        "incarnation": run.incarnation.to_string(),
        "seq": run.seq,
        "received_at": time(run.received_at),
        "started_at": time(run.started_at),
        "duration_ms": run.duration.as_ms(),
        "outcome": run.outcome,
        "observed": run.observed,
        "counts": counts(&run.counts),
        "bundle": run.bundle_digest.map(hex::encode),
    })
}

fn resource(resource: &ResourceReport) -> Value {
    let changes = resource.changes.iter();
    let changes = changes.map(|c| json!({ "field": c.field, "before": c.before, "after": c.after }));
    json!({
        "id": resource.id,
        "type": resource.type_name,
        "outcome": resource.outcome,
        "changes": changes.collect::<Vec<_>>(),
        "diff": resource.diff,
        "cause": resource.cause,
        "help": resource.help,
        "log": resource.log,
        "duration_ms": resource.duration_ms,
        "place": resource.place,
    })
}
