//! What envoys said of themselves.

use super::value::failed;
use super::{Store, StoreError};
use rusqlite::{OptionalExtension as _, params};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;

impl Store {
    /// Stores the traits of an envoy: the whole set, as JSON, and its digest. Nothing happens where the envoy is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_traits(
        &self,
        id: EnvoyId,
        digest: [u8; 32],
        json: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(json.len(), move |conn| {
            let failed = failed(conn);
            let sql = "INSERT INTO traits (envoy, digest, json, received_at) SELECT ?1, ?2, ?3, ?4 \
                       WHERE EXISTS (SELECT 1 FROM envoys WHERE id = ?1) \
                       ON CONFLICT DO UPDATE SET digest = ?2, json = ?3, received_at = ?4";
            let row = params![id.0, digest, json, now.epoch_ms()];
            conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
            Ok(())
        })
        .await
    }

    /// Returns an envoy's traits: digest and JSON.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn traits(&self, id: EnvoyId) -> Result<Option<([u8; 32], String)>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let mut statement =
                conn.prepare_cached("SELECT digest, json FROM traits WHERE envoy = ?").map_err(&failed)?;
            statement.query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(&failed)
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
            let pair = |row: &rusqlite::Row<'_>| Ok((EnvoyId(row.get(0)?), row.get(1)?));
            statement.query_map([], pair).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }
}
