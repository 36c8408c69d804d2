//! What ails the server, and what to do about it.

use super::problem::Problem;
use super::{About, Context};
use crate::doctor::{Look, json_of};
use crate::store::Verified;
use axum::Json as Answer;
use axum::extract::State;
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use vigo_core::fleet::{Health, Reach, Status};
use vigo_core::server::{Condition, Network, Replica, examine};
use vigo_core::time::Duration;

pub(super) async fn doctor(State(context): State<Context>) -> Result<Answer<Value>, Problem> {
    let now = context.running.now();
    let freeze = context.store.freeze().await?.filter(|freeze| freeze.holds(now));
    let audit = context.store.verify_audit().await?;
    let damaged = match context.store.check().await {
        Ok(rows) => (None, rows),
        Err(error) => (Some(error.to_string()), Vec::new()),
    };
    let patterns = context.store.trusted().await?;
    let envoys = context.store.envoys().await?;
    let publisher = context.publisher.clone().lock_owned().await;
    let (vault, paths) = (context.vault.clone(), super::secrets::referred(&context));
    // Both read all there is.
    let reading = tokio::task::spawn_blocking(move || (publisher.live(), publisher.edited(), vault.verify(&paths)));
    let (live, edited, checked) = reading.await?;
    let restored = context.store.restores().await?.into_iter().find(|restore| restore.reviewed.is_none());
    let (mut offline, mut failed, mut cloned, mut adopted) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for envoy in envoys.iter().filter(|envoy| envoy.revoked_at.is_none()) {
        if envoy.adopted_at.is_some() {
            adopted.push(&*envoy.hostname);
        }
        let Some(live) = context.running.envoy(envoy.id) else { continue };
        if live.cloned.is_some() {
            cloned.push(&*envoy.hostname);
        }
        let status = Status::of(&live, now);
        if status.reach == Reach::Offline {
            offline.push(&*envoy.hostname);
        } else if matches!(status.health, Some(Health::Failed | Health::Degraded)) {
            failed.push(&*envoy.hostname);
        }
    }
    let keys = context.running.keys();
    let waiting = keys.keyset.rotating().map(|kind| (kind, context.running.behind(keys.keyset.version)));
    let of_file = context.running.trusted();
    let from_anywhere = of_file.iter().filter(|t| t.from == Network::ANY && t.until.is_none_or(|until| now < until));
    let of_database = patterns.iter().filter(|p| p.source == "any" && p.until.is_none_or(|until| now < until));
    let uses = context.running.secret_uses();
    let mut waits = context.running.waiting();
    waits.retain(|waits| waits.admitted.is_none());
    let (root, running, backups) = (context.about.data_dir.clone(), context.running.clone(), context.backups.clone());
    let looking = move || Look::running(&root, &running.keys(), &backups, &running.servers(), running.clock());
    let look = tokio::task::spawn_blocking(looking).await?;
    let condition = Condition {
        clock: context.running.clock(),
        newest: context.store.newest(),
        is_published: live.is_some(),
        edited: edited.map(|files| files.len()).map_err(|error| error.to_string()),
        freeze: freeze.as_ref(),
        audit_broken_at: if let Verified::Broken { id } = audit { Some(id) } else { None },
        damaged,
        replica: replica(&context.about),
        missing_secrets: uses.keys().filter(|path| !context.vault.has(path)).map(|path| &**path).collect(),
        closed_secrets: checked.bad.iter().map(|(path, error)| (&**path, error.to_string())).collect(),
        trusted_from_anywhere: from_anywhere
            .map(|trusted| trusted.pattern.as_str())
            .chain(of_database.map(|pattern| &*pattern.match_glob))
            .collect(),
        has_root: keys.root.is_some(),
        outdated_keys: if keys.root.is_some() { Vec::new() } else { keys.outdated() },
        rotating: waiting.as_ref().map(|(kind, names)| (*kind, names.iter().map(|name| &**name).collect())),
        disk: crate::disk::free(&context.about.data_dir),
        wal_bytes: wal_bytes(&context.about.database),
        agents: context.agents.all().len(),
        offline,
        failed,
        cloned,
        restored: restored.map(|restore| (restore.lost_from, restore.lost_to)),
        adopted,
        waiting: waits.iter().map(|waits| &*waits.adoption.hostname).collect(),
        machine: look.machine(),
    };
    Ok(Answer(json_of(examine(&condition))))
}

/// Returns how far Litestream is behind, by when it last wrote to its own folder beside the database; nothing is written there.
pub(crate) fn replica(about: &About) -> Replica {
    if !about.replicates {
        return Replica::No;
    }
    let written = |path: PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let beside = |ends: [&str; 2]| {
        let mut name = OsString::from(ends[0]);
        name.push(about.database.file_name().unwrap_or_default());
        name.push(ends[1]);
        about.database.with_file_name(name)
    };
    let copies = std::fs::read_dir(beside([".", "-litestream"]).join("ltx").join("0")).into_iter().flatten().flatten();
    let Some(copied) = copies.filter_map(|entry| written(entry.path())).max() else { return Replica::Missing };
    let changed = written(beside(["", "-wal"])).unwrap_or(copied);
    let behind = changed.duration_since(copied).unwrap_or_default();
    Replica::Behind(Duration::from_ms(u64::try_from(behind.as_millis()).unwrap_or(u64::MAX)))
}

/// Returns the bytes of the database's write-ahead log.
pub(super) fn wal_bytes(database: &Path) -> u64 {
    let mut name: OsString = database.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(name).map_or(0, |file| file.len())
}
