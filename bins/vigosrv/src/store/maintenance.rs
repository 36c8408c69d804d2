//! Envoys that are to leave their machines as they are.

use super::audit::{self, Entry};
use super::envoy::get;
use super::value::{failed, time_or_none};
use super::{Actor, Envoy, Store, StoreError};
use rusqlite::{Row, params};
use vigo_core::bundle::Maintenance;
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;

impl Store {
    /// Begins, changes or ends an envoy's maintenance. Returns the envoy as it is now; none when there is no such envoy that
    /// is not revoked. What is so already is not audited again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_maintenance(
        &self,
        id: EnvoyId,
        maintenance: Maintenance,
        by: Actor,
        now: Timestamp,
    ) -> Result<Option<Envoy>, StoreError> {
        self.write(0, move |conn| {
            let Some(envoy) = get(conn, id)?.filter(|envoy| envoy.revoked_at.is_none()) else { return Ok(None) };
            if envoy.maintenance.at(now) == maintenance {
                return Ok(Some(envoy));
            }
            let failed = failed(conn);
            let sql = "UPDATE envoys SET maintenance = ?2, maintenance_until = ?3 WHERE id = ?1";
            let row = params![id.0, maintenance != Maintenance::No, maintenance.end().map(Timestamp::epoch_ms)];
            conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
            let detail = format!("`{}`: {maintenance}", envoy.hostname);
            let entry = Entry { actor: by, action: "envoy.maintenance", subject: id.to_string(), detail };
            audit::append(conn, &entry, now)?;
            get(conn, id)
        })
        .await
    }

    /// Has an envoy report changes without making them, or make them again. Returns and audits as
    /// [`Store::set_maintenance`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_observes(
        &self,
        id: EnvoyId,
        observes: bool,
        by: Actor,
        now: Timestamp,
    ) -> Result<Option<Envoy>, StoreError> {
        self.write(0, move |conn| {
            let Some(envoy) = get(conn, id)?.filter(|envoy| envoy.revoked_at.is_none()) else { return Ok(None) };
            if envoy.observes == observes {
                return Ok(Some(envoy));
            }
            let failed = failed(conn);
            let sql = "UPDATE envoys SET observes = ?2 WHERE id = ?1";
            conn.prepare_cached(sql).map_err(&failed)?.execute(params![id.0, observes]).map_err(&failed)?;
            let does = if observes { "observes only" } else { "makes changes" };
            let detail = format!("`{}` {does}", envoy.hostname);
            audit::append(conn, &Entry { actor: by, action: "envoy.observe", subject: id.to_string(), detail }, now)?;
            get(conn, id)
        })
        .await
    }
}

/// Returns the maintenance in a row.
pub(super) fn maintenance(row: &Row<'_>) -> rusqlite::Result<Maintenance> {
    Ok(match (row.get("maintenance")?, time_or_none(row, "maintenance_until")?) {
        (false, _) => Maintenance::No,
        (true, None) => Maintenance::Open,
        (true, Some(end)) => Maintenance::Until(end),
    })
}
