//! Secrets. Values come in and, where somebody asks for one by name, go out; no message and no row has one.

use super::extract::{Json, Name, SecretJson};
use super::problem::Problem;
use super::view::time;
use super::{Caller, Context};
use crate::store::Entry;
use crate::vault::Staged;
use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use vigo_core::limits::SECRET_BYTES_MAX;
use vigo_core::secret::SecretValue;

/// Bytes of a request with a value: JSON may write each byte as six.
pub(super) const BODY_BYTES_MAX: usize = 6 * SECRET_BYTES_MAX + 1024;

/// A new value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    value: String,
    /// The secret is there, and has a new value even if it is the same.
    #[serde(default)]
    rotate: bool,
}

/// What is made of the vault.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Init {
    /// The master key is lost: there is to be another, and what nothing opens is laid aside.
    #[serde(default)]
    new_key: bool,
}

pub(super) async fn list(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let uses = context.running.secret_uses();
    let mut secrets: Vec<Value> = Vec::new();
    for secret in context.vault.list() {
        let classes = uses.get(&secret.path);
        secrets.push(view(&secret.path, secret.changed_at.map(time), classes.map_or(&[], Vec::as_slice), true));
    }
    let lost = context.vault.lost();
    let missing = uses.iter().filter(|(path, _)| !context.vault.has(path) && lost.binary_search(path).is_err());
    secrets.extend(missing.map(|(path, classes)| view(path, None, classes, false)));
    secrets.extend(lost.iter().map(|path| lost_view(path, &uses)));
    secrets.sort_by(|a, b| a["path"].as_str().cmp(&b["path"].as_str()));
    Ok(Answer(json!({ "secrets": secrets })))
}

pub(super) async fn show(State(context): State<Context>, Name(path): Name) -> Result<Answer<Value>, Problem> {
    let uses = context.running.secret_uses();
    let found = context.vault.list().into_iter().find(|secret| *secret.path == *path);
    let lost = || context.vault.lost().into_iter().find(|lost| **lost == *path);
    let Some(secret) = found else {
        let lost = lost().ok_or_else(|| unknown(&path))?;
        return Ok(Answer(lost_view(&lost, &uses)));
    };
    let classes = uses.get(&secret.path).map_or(&[][..], Vec::as_slice);
    Ok(Answer(view(&secret.path, secret.changed_at.map(time), classes, true)))
}

pub(super) async fn set(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(path): Name,
    SecretJson(Wanted { value, rotate }): SecretJson<Wanted>,
) -> Result<Answer<Value>, Problem> {
    let value = SecretValue::new(value);
    let vault = context.vault.local()?.clone();
    act(context.clone(), async move {
        let is_there = context.vault.has(&path);
        if rotate && !is_there {
            return Err(unknown(&path));
        }
        let (at, now) = (path.clone(), context.running.now());
        let staged = tokio::task::spawn_blocking(move || vault.stage(&at, &value, rotate, now)).await??;
        let classes = context.running.secret_uses().remove(path.as_str()).unwrap_or_default();
        let mut answer =
            json!({ "path": path, "created": !is_there, "changed": staged.is_some(), "classes": names(&classes) });
        if let Some(staged) = staged {
            let action = if rotate { "secret.rotate" } else { "secret.set" };
            commit(&context, caller, action, &path, staged).await?;
            answer["changed_at"] = time(now);
        }
        Ok(answer)
    })
    .await
}

pub(super) async fn reveal(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(path): Name,
) -> Result<Answer<Value>, Problem> {
    let (vault, at) = (context.vault.clone(), path.clone());
    let value = tokio::task::spawn_blocking(move || vault.get(&at)).await??;
    audit(&context, caller, "secret.reveal", &path).await?;
    Ok(Answer(json!({ "path": path, "value": value.reveal() })))
}

pub(super) async fn delete(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Name(path): Name,
) -> Result<Answer<Value>, Problem> {
    let vault = context.vault.local()?.clone();
    act(context.clone(), async move {
        if !context.vault.has(&path) && !context.vault.lost().iter().any(|lost| **lost == *path) {
            return Err(unknown(&path));
        }
        let classes = context.running.secret_uses().remove(path.as_str()).unwrap_or_default();
        audit(&context, caller, "secret.delete", &path).await?;
        let at = path.clone();
        tokio::task::spawn_blocking(move || vault.delete(&at)).await??;
        Ok(json!({ "path": path, "deleted": true, "classes": names(&classes) }))
    })
    .await
}

/// Says where the master key is: it was made at the first start. Where it is lost, and that is asked for, it makes another.
pub(super) async fn init(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(Init { new_key }): Json<Init>,
) -> Result<Answer<Value>, Problem> {
    let vault = context.vault.local()?.clone();
    if new_key {
        return act(context.clone(), async move {
            let own = vault.clone();
            let staged = tokio::task::spawn_blocking(move || own.stage_new_key()).await??;
            commit(&context, caller, "secret.new-key", "", staged).await?;
            let lost = vault.lost();
            let lost: Vec<&str> = lost.iter().map(|path| &**path).collect();
            Ok(json!({ "master_key": vault.master_key().display().to_string(), "id": vault.master_key_id()?.to_string(),
                       "lost": lost }))
        })
        .await;
    }
    let path = vault.master_key();
    let key = tokio::task::spawn_blocking(move || vault.master_key_id()).await??;
    Ok(Answer(json!({ "master_key": path.display().to_string(), "id": key.to_string() })))
}

pub(super) async fn rekey(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
) -> Result<Answer<Value>, Problem> {
    let own = context.vault.local()?.clone();
    act(context.clone(), async move {
        let vault = own.clone();
        let staged = tokio::task::spawn_blocking(move || {
            vault.finish_rekey()?;
            vault.stage_rekey()
        });
        commit(&context, caller, "secret.rekey", "", staged.await??).await?;
        let vault = own;
        let done = tokio::task::spawn_blocking(move || Ok((vault.finish_rekey()?, vault.master_key_id()?))).await?;
        let (sealed, key) = done.map_err(|error: crate::vault::VaultError| Problem::from(error))?;
        Ok(json!({ "sealed": sealed, "id": key.to_string() }))
    })
    .await
}

pub(super) async fn verify(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let (vault, paths) = (context.vault.clone(), referred(&context));
    let checked = tokio::task::spawn_blocking(move || vault.verify(&paths)).await?;
    let bad = checked.bad.iter().map(|(path, why)| json!({ "path": &**path, "why": why.to_string() }));
    Ok(Answer(json!({ "good": checked.good, "bad": bad.collect::<Vec<_>>() })))
}

/// Does a change to its end, also when whoever asked is gone; one at a time. Afterwards the fleet hears of it.
async fn act(
    context: Context,
    work: impl Future<Output = Result<Value, Problem>> + Send + 'static,
) -> Result<Answer<Value>, Problem> {
    let acting = tokio::spawn(async move {
        let _turn = context.vault_turn.lock().await;
        let done = work.await;
        context.running.secrets_changed();
        done
    });
    acting.await?.map(Answer)
}

/// Audits a change that is on the disk, then puts it into its place: none stands that is not in the audit.
async fn commit(
    context: &Context,
    caller: Caller,
    action: &'static str,
    subject: &str,
    staged: Staged,
) -> Result<(), Problem> {
    audit(context, caller, action, subject).await?;
    tokio::task::spawn_blocking(move || staged.commit()).await??;
    Ok(())
}

async fn audit(context: &Context, caller: Caller, action: &'static str, subject: &str) -> Result<(), Problem> {
    let entry = Entry { actor: caller.actor(), action, subject: subject.into(), detail: String::new() };
    Ok(context.store.audit(entry, context.running.now()).await?)
}

/// Returns the secrets that the live policy refers to.
pub(super) fn referred(context: &Context) -> Vec<Arc<str>> {
    context.running.secret_uses().into_keys().collect()
}

fn unknown(path: &str) -> Problem {
    Problem::not_found("secret", path).help("see `vigocli secrets list`")
}

fn names(classes: &[Arc<str>]) -> Vec<&str> {
    classes.iter().map(|class| &**class).collect()
}

/// Shows a secret that is lost with its master key, and not set again.
fn lost_view(path: &Arc<str>, uses: &BTreeMap<Arc<str>, Vec<Arc<str>>>) -> Value {
    let mut shown = view(path, None, uses.get(path).map_or(&[], Vec::as_slice), false);
    shown["state"] = "lost".into();
    shown
}

fn view(path: &str, changed_at: Option<Value>, classes: &[Arc<str>], is_set: bool) -> Value {
    let state = match (is_set, classes.is_empty()) {
        (false, _) => "missing",
        (true, true) => "unused",
        (true, false) => "used",
    };
    json!({ "path": path, "state": state, "changed_at": changed_at, "classes": names(classes) })
}
