//! What became of envoys' traits.

use super::value::{failed, time};
use super::{Store, StoreError};
use rusqlite::{Connection, Row, params};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;

/// A trait that became another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraitRow {
    /// Rises with time.
    pub id: i64,
    /// When the server heard of it.
    pub at: Timestamp,
    /// What it was and is.
    pub change: ChangedTrait,
}

/// What a trait was and is, as JSON; none where there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangedTrait {
    /// Its path.
    pub path: String,
    /// Before.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

/// Changes of one envoy that are kept: the newest.
pub(super) const CHANGES_MAX: usize = 2000;

impl Store {
    /// Returns changes of an envoy's traits, the newest first: of `path` and what is below it, or of all; before the row
    /// `before`, or all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn trait_changes(
        &self,
        id: EnvoyId,
        path: Option<String>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<TraitRow>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let sql = "SELECT * FROM trait_changes WHERE envoy = ?1 AND id < ?2 \
                       AND (?3 IS NULL OR path = ?3 OR substr(path, 1, length(?3) + 1) = ?3 || '.') \
                       ORDER BY id DESC LIMIT ?4";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            let row = |row: &Row<'_>| {
                let (path, before, after) = (row.get("path")?, row.get("before")?, row.get("after")?);
                Ok(TraitRow { id: row.get("id")?, at: time(row, "at")?, change: ChangedTrait { path, before, after } })
            };
            let rows = statement.query_map(params![id.0, before.unwrap_or(i64::MAX), path, limit], row);
            rows.map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Removes the changes of before `before`, a thousand at a time so that nothing waits for it long.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prune_trait_changes(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let step = self.write(0, move |conn| {
                let failed = failed(conn);
                let sql =
                    "DELETE FROM trait_changes WHERE id IN (SELECT id FROM trait_changes WHERE at < ? LIMIT 1000)";
                conn.prepare_cached(sql).map_err(&failed)?.execute([before.epoch_ms()]).map_err(&failed)
            });
            match step.await? {
                0 => return Ok(removed),
                some => removed += some as u64,
            }
        }
    }
}

/// Adds changes, as part of a transaction; the oldest go.
pub(super) fn add(conn: &Connection, id: EnvoyId, changes: &[ChangedTrait], now: Timestamp) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let failed = failed(conn);
    let sql = "INSERT INTO trait_changes (envoy, at, path, before, after) SELECT ?1, ?2, ?3, ?4, ?5 \
               WHERE EXISTS (SELECT 1 FROM envoys WHERE id = ?1)";
    let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
    for ChangedTrait { path, before, after } in changes {
        statement.execute(params![id.0, now.epoch_ms(), path, before, after]).map_err(&failed)?;
    }
    let sql = "DELETE FROM trait_changes WHERE envoy = ?1 AND id <= (SELECT id FROM trait_changes WHERE envoy = ?1 \
               ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    conn.prepare_cached(sql).map_err(&failed)?.execute(params![id.0, CHANGES_MAX as i64]).map_err(&failed)?;
    Ok(())
}
