//! What the server measures.

use super::problem::Problem;
use super::{Context, doctor};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use vigo_core::server::{Alarm, Metrics};

/// The format, as Prometheus calls it.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn metrics(State(context): State<Context>) -> Result<Response, Problem> {
    let restored = context.store.restores().await?.first().map_or(0, |restore| restore.id);
    let (about, load, board) = (&context.about, context.running.load(), context.alarms.board());
    let metrics = Metrics {
        version: env!("CARGO_PKG_VERSION").into(),
        started: about.started_at,
        envoys: context.running.words(),
        check_ins: load.check_ins,
        check_ins_put_off: load.check_ins_put_off,
        connections: (load.connections.taken, load.connections.refused),
        backup: context.backups.scheduled.metrics(),
        disk_free: crate::disk::free(&about.data_dir).map(|(free, _)| free),
        wal_bytes: doctor::wal_bytes(&about.database),
        restored: u64::try_from(restored).unwrap_or(0),
        alarms: Alarm::ALL.map(|alarm| (alarm.word(), board.get(&alarm).is_some_and(Option::is_some))).into(),
    };
    Ok(([(header::CONTENT_TYPE, KIND)], metrics.text()).into_response())
}
