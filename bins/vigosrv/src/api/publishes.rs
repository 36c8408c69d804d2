//! Publishing.

use super::config::refuse_frozen;
use super::extract::Json;
use super::problem::Problem;
use super::refusals;
use super::view::time;
use super::{Caller, Context};
use crate::publish::{Publication, PublishError, Published, Publisher, Record};
use crate::store::PublishRow;
use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use vigo_core::hex;
use vigo_core::time::Timestamp;
use vigo_driver::diagnostics_json;

/// To which publish.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    id: u64,
}

pub(super) async fn publish(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
) -> Result<Answer<Value>, Problem> {
    let author = caller.actor().to_string();
    let done = act(context, caller, move |publisher, now| {
        let Publication { published, warnings, sources } = publisher.publish(&author, now)?;
        let warnings = diagnostics_json(&warnings, sources.map());
        Ok((published, warnings))
    });
    done.await
}

pub(super) async fn rollback(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(To { id }): Json<To>,
) -> Result<Answer<Value>, Problem> {
    let author = caller.actor().to_string();
    act(context, caller, move |publisher, now| Ok((publisher.rollback(id, &author, now)?, Vec::new()))).await
}

/// What the history has: it can be rolled back to these.
pub(super) async fn list(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let publisher = context.publisher.lock_owned().await;
    let history = tokio::task::spawn_blocking(move || publisher.history()).await??;
    Ok(Answer(json!({ "publishes": history.iter().map(record).collect::<Vec<_>>() })))
}

/// Publishes, then notes it, then has it served: the publisher is locked until all of it is done, and it is done even
/// when whoever asked is gone.
async fn act<W>(context: Context, caller: Caller, work: W) -> Result<Answer<Value>, Problem>
where
    W: FnOnce(&mut Publisher, Timestamp) -> Result<(Published, Vec<Value>), PublishError> + Send + 'static,
{
    let acting = tokio::spawn(async move {
        let mut publisher = context.publisher.clone().lock_owned().await;
        let now = context.running.now();
        refuse_frozen(&context, now).await?;
        let made = tokio::task::spawn_blocking(move || work(&mut publisher, now).map(|done| (done, publisher)));
        let ((published, mut warnings), _publisher) = made.await??;
        let Published { id, ref author, at, restores, .. } = published;
        let row = PublishRow { id, author: author.clone(), at, restores };
        if let Err(error) = context.store.published(row, caller.actor(), now).await {
            // It stands all the same; the row is made up for at the next start.
            tracing::error!("publish {id} is not in the database: {error}");
            let message = format!("the publish stands, but is not noted in the database: {error}");
            warnings.push(json!({ "severity": "warning", "message": message }));
        }
        context.running.published(&published);
        warnings.extend(missing_secrets(&context));
        warnings.extend(refusals::warnings(&context, published.clone()).await);
        let mut answer = view(&published);
        answer["warnings"] = warnings.into();
        Ok::<_, Problem>(Answer(answer))
    });
    acting.await?
}

/// Returns a warning for each secret that the policy refers to and nobody has set.
fn missing_secrets(context: &Context) -> Vec<Value> {
    let uses = context.running.secret_uses();
    let missing = uses.iter().filter(|(path, _)| !context.vault.has(path)).take(MISSING_SHOWN);
    let warning = |(path, classes): (&std::sync::Arc<str>, &Vec<std::sync::Arc<str>>)| {
        let used = match &classes[..] {
            [only] => format!("class `{only}` uses it"),
            [first, others @ ..] => format!("class `{first}` and {} more use it", others.len()),
            [] => String::new(),
        };
        let message = format!("secret `{path}` is not set; {used}");
        let help = format!("run `vigocli secrets set {path}`; until then the resources that use it are skipped");
        json!({ "severity": "warning", "message": message, "help": [help] })
    };
    missing.map(warning).collect()
}

/// Warnings of one kind; what comes after them is noise.
const MISSING_SHOWN: usize = 20;

fn view(published: &Published) -> Value {
    let classes = published.classes.iter().map(|class| {
        json!({
            "name": &*class.name,
            "environment": &*class.environment,
            "bundle": hex::encode(class.digest),
            "observe_only": class.observe_only,
        })
    });
    json!({
        "id": published.id,
        "author": published.author,
        "at": time(published.at),
        "restores": published.restores,
        "classes": classes.collect::<Vec<_>>(),
    })
}

fn record(record: &Record) -> Value {
    json!({
        "id": record.id,
        "author": record.author,
        "at": time(record.at),
        "restores": record.restores,
        "classes": record.classes.len(),
    })
}
