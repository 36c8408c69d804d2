//! What envoys said of themselves.

use super::Context;
use super::envoys::find;
use super::extract::{Name, Params, limit};
use super::problem::Problem;
use super::view::time;
use crate::json::{core_value, json_value};
use crate::store::{TraitRow, Traits};
use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::fleet::{Query, QueryError};
use vigo_core::hex;
use vigo_core::traits::{Lookup, TraitSet, check_path};

/// Envoys of one page.
const PAGE_MAX: u32 = 1000;

/// Which envoys are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The question: `os.family = "debian"`.
    query: String,
    /// Those whose names come behind this one: where the page before ended.
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn show(State(context): State<Context>, Name(name): Name) -> Result<Answer<Value>, Problem> {
    let envoy = find(&context, &name).await?;
    let found = context.store.traits(envoy.id).await?;
    let none = || Problem::not_found("set of traits of", &name).help("wait for its next check-in");
    let Traits { digest, json: traits, received_at } = found.ok_or_else(none)?;
    Ok(Answer(json!({
        "id": envoy.id.to_string(),
        "hostname": envoy.hostname,
        "received_at": time(received_at),
        "digest": hex::encode(digest),
        "traits": serde_json::from_str::<Value>(&traits).unwrap_or(Value::Null),
    })))
}

/// Which changes are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    /// A trait, and what is below it.
    path: Option<String>,
    /// Those before this number: where the page before ended.
    before: Option<i64>,
    limit: Option<u32>,
}

pub(super) async fn history(
    State(context): State<Context>,
    Name(name): Name,
    Params(wanted): Params<Changes>,
) -> Result<Answer<Value>, Problem> {
    let envoy = find(&context, &name).await?;
    if let Some(path) = &wanted.path {
        check_path(path).map_err(|error| {
            let problem = Problem::invalid(error.message);
            match error.help {
                Some(help) => problem.help(help),
                None => problem,
            }
        })?;
    }
    let limit = limit(wanted.limit, 100, PAGE_MAX)?;
    let rows = context.store.trait_changes(envoy.id, wanted.path, wanted.before, limit).await?;
    let next = if rows.len() == limit as usize { rows.last().map(|row| row.id) } else { None };
    let value = |json: Option<String>| json.map(|json| serde_json::from_str(&json).unwrap_or(Value::Null));
    let view = |TraitRow { id, at, change }: TraitRow| {
        let mut view = json!({ "number": id, "at": time(at), "trait": change.path });
        // One that is not there is left out: null is a value.
        for (name, value) in [("before", value(change.before)), ("after", value(change.after))] {
            value.into_iter().for_each(|value| view[name] = value);
        }
        view
    };
    let changes: Vec<Value> = rows.into_iter().map(view).collect();
    let (id, hostname) = (envoy.id.to_string(), envoy.hostname);
    Ok(Answer(json!({ "id": id, "hostname": hostname, "changes": changes, "next": next })))
}

pub(super) async fn query(
    State(context): State<Context>,
    Params(wanted): Params<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let wrong = |error: QueryError| {
        let problem = Problem::invalid(format!("the question: {error}"));
        problem.help(
            error.help.unwrap_or_else(|| "write it as `os.family = \"debian\" and memory.total_mb < 2048`".into()),
        )
    };
    let query = Query::parse(&wanted.query).map_err(wrong)?;
    let limit = limit(wanted.limit, PAGE_MAX, PAGE_MAX)?;
    let found = context.store.traits_where(wanted.after, limit, move |hostname, json| {
        let traits = serde_json::from_str(json).map(core_value).unwrap_or_default();
        let traits = TraitSet::from_value(traits).unwrap_or_default();
        query.matches(hostname, &traits).then(|| {
            let value = |path| match traits.get(path) {
                Lookup::Present(value) => Some((path.to_owned(), json_value(value))),
                Lookup::Null | Lookup::Omitted => None,
            };
            query.paths().into_iter().filter_map(value).collect::<serde_json::Map<_, _>>()
        })
    });
    let (found, next) = found.await?;
    let view = |(id, hostname, traits): (vigo_core::id::EnvoyId, String, _)| json!({ "id": id.to_string(), "hostname": hostname, "traits": Value::Object(traits) });
    Ok(Answer(json!({ "envoys": found.into_iter().map(view).collect::<Vec<_>>(), "next": next })))
}
