//! What the server itself finds that people are to be told of.

use super::server::now;
use crate::api::{About, replica};
use crate::notify::Alarms;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;
use vigo_core::server::{Alarm, REPLICA_HELP, Raised, Replica, ways_back};
use vigo_core::time::Timestamp;

/// Time between two looks whether the database went back.
const RESTORES_PERIOD: Duration = Duration::from_secs(10);

/// How long a server whose database is damaged waits with its end, so that somebody is told: an address may take ten seconds.
pub(super) const TELLING: Duration = Duration::from_secs(12);

/// Looks whether the database went back, and whether what copies it is late.
pub(super) async fn watch(store: Store, about: Arc<About>, alarms: Arc<Alarms>) {
    tokio::join!(watch_restores(store, Arc::clone(&alarms)), watch_replica(about, alarms));
}

/// Returns what is told of a damaged database.
pub(super) fn damage(about: &About, why: &str) -> Raised {
    let message = format!("the database is damaged, and the server ends: {why}");
    Raised::new(now(), &message, &ways_back(about.replicates))
}

async fn watch_replica(about: Arc<About>, alarms: Arc<Alarms>) {
    let mut rounds = tokio::time::interval(RESTORES_PERIOD);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // One that begins with the server has a while for its first copy.
    rounds.tick().await;
    let mut since: Option<Timestamp> = None;
    loop {
        rounds.tick().await;
        let own = Arc::clone(&about);
        let seen = tokio::task::spawn_blocking(move || replica(&own)).await.unwrap_or(Replica::No);
        let raised =
            seen.trouble().map(|(_, message)| Raised::new(*since.get_or_insert_with(now), &message, REPLICA_HELP));
        if raised.is_none() {
            since = None;
        }
        alarms.set(Alarm::ReplicaLate, raised);
    }
}

/// Tells when the database went back, and until somebody has looked at it.
async fn watch_restores(store: Store, alarms: Arc<Alarms>) {
    let mut rounds = tokio::time::interval(RESTORES_PERIOD);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        let restores = match store.restores().await {
            Ok(restores) => restores,
            Err(error) => {
                tracing::warn!("whether the database went back is not known: {error}");
                continue;
            }
        };
        let open = restores.into_iter().find(|restore| restore.reviewed.is_none());
        let raised = open.map(|restore| {
            let (from, to) = (restore.lost_from, restore.lost_to);
            let message = format!(
                "the database was put back to an earlier state ({}): what was done from {from} to {to} is lost",
                restore.detail
            );
            Raised::new(restore.at, &message, "look at it: `vigocli server restored`; then run that with `--reviewed`")
        });
        alarms.set(Alarm::Restored, raised);
    }
}
