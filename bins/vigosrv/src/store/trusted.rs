//! The patterns that admit a name without a token.

use super::audit::{self, Entry};
use super::value::{failed, time, time_or_none};
use super::{Actor, Store, StoreError};
use rusqlite::{Row, params};
use vigo_core::glob::Glob;
use vigo_core::server::{NetworkError, Trusted};
use vigo_core::time::Timestamp;

/// A trusted pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustedPattern {
    /// The store's number for it.
    pub id: i64,
    /// The glob of the names.
    pub match_glob: String,
    /// The network that they must come from, or `any`.
    pub source: String,
    /// Until when it is good; none is for ever.
    pub until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

impl TrustedPattern {
    /// Returns the pattern as the core decides by it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when its glob or network is none any more.
    pub fn record(&self) -> Result<Trusted, StoreError> {
        let damaged = |why: String| StoreError::Damaged { what: "a trusted pattern", why };
        Ok(Trusted {
            pattern: Glob::parse(&self.match_glob).map_err(|e| damaged(e.to_string()))?,
            from: self.source.parse().map_err(|e: NetworkError| damaged(e.to_string()))?,
            until: self.until,
        })
    }
}

impl Store {
    /// Stores a pattern, which has been parsed, and returns its number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_trusted(
        &self,
        match_glob: String,
        source: String,
        until: Option<Timestamp>,
        by: Actor,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "INSERT INTO trusted (match, source, until, created_at, created_by) VALUES (?, ?, ?, ?, ?)";
            let row = params![match_glob, source, until.map(Timestamp::epoch_ms), now.epoch_ms(), by.to_string()];
            conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
            let id = conn.last_insert_rowid();
            let detail = format!("`{match_glob}` from `{source}`");
            audit::append(conn, &Entry { actor: by, action: "trusted.add", subject: id.to_string(), detail }, now)?;
            Ok(id)
        })
        .await
    }

    /// Returns all patterns, in the order in which they were made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn trusted(&self) -> Result<Vec<TrustedPattern>, StoreError> {
        self.read(|conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("SELECT * FROM trusted ORDER BY id").map_err(&failed)?;
            statement.query_map([], row).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Removes a pattern; false when there is none of this number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_trusted(&self, id: i64, by: Actor, now: Timestamp) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("DELETE FROM trusted WHERE id = ?").map_err(&failed)?;
            if statement.execute([id]).map_err(&failed)? == 0 {
                return Ok(false);
            }
            let entry = Entry { actor: by, action: "trusted.remove", subject: id.to_string(), detail: String::new() };
            audit::append(conn, &entry, now)?;
            Ok(true)
        })
        .await
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<TrustedPattern> {
    Ok(TrustedPattern {
        id: row.get("id")?,
        match_glob: row.get("match")?,
        source: row.get("source")?,
        until: time_or_none(row, "until")?,
        created_at: time(row, "created_at")?,
        created_by: row.get("created_by")?,
    })
}
