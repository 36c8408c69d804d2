//! Backups of the server.

use super::extract::Json;
use super::keys::local_only;
use super::problem::Problem;
use super::{Caller, Context};
use crate::backup::{self, Wanted};
use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;
use vigo_core::backup::age::AgeError;

/// Which backup is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    file: PathBuf,
    #[serde(default)]
    without_blobs: bool,
    #[serde(default)]
    encrypt_to: Vec<String>,
}

pub(super) async fn create(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Json(new): Json<New>,
) -> Result<Answer<Value>, Problem> {
    // A stolen token of an administrator must not be worth every key there is.
    local_only(&caller, "a backup is made")?;
    if !new.file.is_absolute() {
        let found = new.file.display().to_string();
        return Err(Problem::invalid(format!("file: expected an absolute path, found `{}`", found.escape_debug())));
    }
    let recipients: Result<_, AgeError> = new.encrypt_to.iter().map(|text| text.parse()).collect();
    let encrypt_to = recipients.map_err(|e| Problem::invalid(format!("encrypt_to: {e}")).help(e.help()))?;
    let wanted = Wanted { file: new.file, blobs: !new.without_blobs, encrypt_to };
    // It is made to its end, even when whoever asked is gone.
    let made = tokio::spawn(backup::create(context, wanted, caller.actor()));
    Ok(Answer(made.await??))
}

pub(super) async fn progress(State(context): State<Context>) -> Answer<Value> {
    let progress = context.backups.progress();
    Answer(json!({ "running": progress.is_some(), "done": progress.map(|p| p.0), "total": progress.map(|p| p.1) }))
}

pub(super) async fn list(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let scheduled = context.backups.scheduled.view(context.running.now());
    let folder = context.backups.scheduled.settings().plan().map(|(_, folder)| folder.to_owned());
    let listed = match folder {
        // A folder that is not there has none.
        Some(folder) if folder.exists() => tokio::task::spawn_blocking(move || backup::list(&folder)).await??,
        _ => json!({ "backups": [] }),
    };
    Ok(Answer(json!({ "scheduled": scheduled, "backups": listed["backups"] })))
}
