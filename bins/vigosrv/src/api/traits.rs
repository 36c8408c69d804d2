//! What envoys said of themselves.

use super::Context;
use super::envoys::find;
use super::extract::{Name, Params, limit};
use super::problem::Problem;
use super::view::{hex, time};
use crate::store::Traits;
use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::fleet::{Query, QueryError};
use vigo_core::traits::{Lookup, TraitSet};
use vigo_core::value;

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
        "digest": hex(&digest),
        "traits": serde_json::from_str::<Value>(&traits).unwrap_or(Value::Null),
    })))
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

fn core_value(value: Value) -> value::Value {
    match value {
        Value::Null => value::Value::Null,
        Value::Bool(yes) => yes.into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) => value::Value::Float(float),
            (None, None) => value::Value::Null,
        },
        Value::String(text) => text.into(),
        Value::Array(items) => value::Value::list(items.into_iter().map(core_value)),
        Value::Object(entries) => value::Value::map(entries.into_iter().map(|(key, value)| (key, core_value(value)))),
    }
}

fn json_value(value: &value::Value) -> Value {
    match value {
        value::Value::Null => Value::Null,
        value::Value::Bool(yes) => (*yes).into(),
        value::Value::Int(number) => (*number).into(),
        value::Value::Float(number) => (*number).into(),
        value::Value::Text(text) => text.as_str().into(),
        value::Value::List(items) => items.iter().map(json_value).collect(),
        value::Value::Map(map) => map.iter().map(|(key, value)| (key.to_string(), json_value(value))).collect(),
    }
}
