//! The freeze: until when nothing is published.

use super::audit::{self, Entry};
use super::value::{failed, time, time_or_none};
use super::{Actor, Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, params};
use vigo_core::server::Freeze;
use vigo_core::time::Timestamp;

impl Store {
    /// Freezes publishing, in the place of the freeze before, which is returned.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_freeze(
        &self,
        until: Option<Timestamp>,
        reason: String,
        by: Actor,
        now: Timestamp,
    ) -> Result<(Freeze, Option<Freeze>), StoreError> {
        let freeze = Freeze { by: by.to_string(), at: now, until, reason };
        self.write(freeze.reason.len(), move |conn| {
            let before = get(conn)?;
            let failed = failed(conn);
            let sql = "INSERT OR REPLACE INTO freeze (id, by, at, until, reason) VALUES (1, ?, ?, ?, ?)";
            let row = params![freeze.by, now.epoch_ms(), until.map(Timestamp::epoch_ms), freeze.reason];
            conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
            let subject = until.map_or_else(|| "without end".into(), |until| format!("until {until}"));
            audit::append(
                conn,
                &Entry { actor: by, action: "publish.freeze", subject, detail: freeze.reason.clone() },
                now,
            )?;
            Ok((freeze, before))
        })
        .await
    }

    /// Ends the freeze and returns it; none when there is none. One that has ended by itself is taken away, too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unfreeze(&self, by: Actor, now: Timestamp) -> Result<Option<Freeze>, StoreError> {
        self.write(0, move |conn| {
            let Some(freeze) = get(conn)?.filter(|freeze| freeze.holds(now)) else { return Ok(None) };
            let failed = failed(conn);
            conn.prepare_cached("DELETE FROM freeze").map_err(&failed)?.execute([]).map_err(&failed)?;
            let (subject, detail) = (String::new(), format!("it was {freeze}"));
            audit::append(conn, &Entry { actor: by, action: "publish.unfreeze", subject, detail }, now)?;
            Ok(Some(freeze))
        })
        .await
    }

    /// Returns the freeze, also one that has ended by itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn freeze(&self) -> Result<Option<Freeze>, StoreError> {
        self.read(get).await
    }
}

fn get(conn: &Connection) -> Result<Option<Freeze>, StoreError> {
    let failed = failed(conn);
    let mut statement = conn.prepare_cached("SELECT * FROM freeze").map_err(&failed)?;
    let freeze = |row: &rusqlite::Row<'_>| {
        Ok(Freeze {
            by: row.get("by")?,
            at: time(row, "at")?,
            until: time_or_none(row, "until")?,
            reason: row.get("reason")?,
        })
    };
    statement.query_row([], freeze).optional().map_err(&failed)
}
