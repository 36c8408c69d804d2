//! What envoys said of themselves.

use super::check::sum;
use super::value::{bytes, envoy_id, failed, time};
use super::{ChangedTrait, Store, StoreError, trait_history};
use rusqlite::{OptionalExtension as _, Row, params};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;

/// The traits of an envoy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Traits {
    /// As the agent counts it.
    pub digest: [u8; 32],
    /// The whole set.
    pub json: String,
    /// When the server heard of them.
    pub received_at: Timestamp,
}

impl Store {
    /// Stores the traits of an envoy: the whole set, as JSON, its digest, and what became another. Nothing happens where
    /// the envoy is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_traits(
        &self,
        id: EnvoyId,
        digest: [u8; 32],
        json: String,
        changes: Vec<ChangedTrait>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(json.len(), move |conn| {
            let failed = failed(conn);
            let sql = "INSERT INTO traits (envoy, digest, json, received_at, sum) SELECT ?1, ?2, ?3, ?4, ?5 \
                       WHERE EXISTS (SELECT 1 FROM envoys WHERE id = ?1) \
                       ON CONFLICT DO UPDATE SET digest = ?2, json = ?3, received_at = ?4, sum = ?5";
            let row = params![id.0, digest, json, now.epoch_ms(), sum(json.as_bytes())];
            conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
            trait_history::add(conn, id, &changes, now)
        })
        .await
    }

    /// Returns an envoy's traits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn traits(&self, id: EnvoyId) -> Result<Option<Traits>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("SELECT * FROM traits WHERE envoy = ?").map_err(&failed)?;
            let traits = |row: &Row<'_>| {
                let (digest, json) = (bytes(row, "digest")?, row.get("json")?);
                Ok(Traits { digest, json, received_at: time(row, "received_at")? })
            };
            statement.query_row([id.0], traits).optional().map_err(&failed)
        })
        .await
    }

    /// Asks `wanted` of each envoy that is not revoked, by its name and the JSON of its traits, in the order of the names
    /// behind `after`, until it has answered `limit` times. Returns what it answered, and the last name where there are
    /// more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn traits_where<T: Send + 'static>(
        &self,
        after: Option<String>,
        limit: u32,
        wanted: impl Fn(&str, &str) -> Option<T> + Send + 'static,
    ) -> Result<(Vec<(EnvoyId, String, T)>, Option<String>), StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let sql = "SELECT envoys.id, envoys.hostname, coalesce(traits.json, '{}') AS json FROM envoys \
                       LEFT JOIN traits ON traits.envoy = envoys.id WHERE revoked_at IS NULL AND hostname > ? \
                       ORDER BY hostname";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            let mut rows = statement.query([after.unwrap_or_default()]).map_err(&failed)?;
            let mut found: Vec<(EnvoyId, String, T)> = Vec::new();
            while let Some(row) = rows.next().map_err(&failed)? {
                let (hostname, json): (String, String) =
                    row.get("hostname").and_then(|name| Ok((name, row.get("json")?))).map_err(&failed)?;
                let Some(answer) = wanted(&hostname, &json) else { continue };
                if found.len() == limit as usize {
                    let next = found.last().map(|last| last.1.clone());
                    return Ok((found, next));
                }
                found.push((envoy_id(row, "id").map_err(&failed)?, hostname, answer));
            }
            Ok((found, None))
        })
        .await
    }

    /// Returns the digests of all envoys' traits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn traits_digests(&self) -> Result<Vec<(EnvoyId, [u8; 32])>, StoreError> {
        self.read(|conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("SELECT envoy, digest FROM traits").map_err(&failed)?;
            let pair = |row: &Row<'_>| Ok((EnvoyId(row.get(0)?), row.get(1)?));
            statement.query_map([], pair).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }
}
