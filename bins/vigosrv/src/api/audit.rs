//! Who did what.

use super::Context;
use super::extract::{Params, limit};
use super::problem::Problem;
use super::view::time;
use crate::store::{AuditRow, Verified};
use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::hex;

/// Rows of one page.
const PAGE_MAX: u32 = 1000;

/// Which rows are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Those before this number: where the page before ended.
    before: Option<i64>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(context): State<Context>,
    Params(wanted): Params<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let limit = limit(wanted.limit, 50, PAGE_MAX)?;
    let rows = context.store.audit_rows(wanted.before, limit).await?;
    let next = if rows.len() == limit as usize { rows.last().map(|row| row.id) } else { None };
    Ok(Answer(json!({ "rows": rows.iter().map(view).collect::<Vec<_>>(), "next": next })))
}

pub(super) async fn verify(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    Ok(Answer(match context.store.verify_audit().await? {
        Verified::Whole { rows, head } => json!({ "whole": true, "rows": rows, "head": hex::encode(head) }),
        Verified::Broken { id } => json!({ "whole": false, "broken_at": id }),
    }))
}

fn view(row: &AuditRow) -> Value {
    json!({
        "id": row.id,
        "at": time(row.at),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "detail": row.detail,
        "hash": hex::encode(row.hash),
    })
}
