//! What was published, and when.

use super::audit::{self, Entry};
use super::value::{bits, failed, from_bits, time};
use super::{Actor, Store, StoreError};
use rusqlite::{Row, params};
use vigo_core::time::Timestamp;

/// Rows of one page.
const PAGE_MAX: u32 = 500;

/// A publish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishRow {
    /// Its number: each has the next one.
    pub id: u64,
    /// Who made it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// The publish whose policy this one brought back.
    pub restores: Option<u64>,
}

impl Store {
    /// Notes a publish, unless it is noted: at start that is said of all that the history has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn published(&self, publish: PublishRow, by: Actor, now: Timestamp) -> Result<(), StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "INSERT INTO publishes (id, author, at, restores) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
            let PublishRow { id, author, at, restores } = publish;
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            if statement.execute(params![bits(id), author, at.epoch_ms(), restores.map(bits)]).map_err(&failed)? == 0 {
                return Ok(());
            }
            let (action, detail) = match restores {
                None => ("publish", format!("by `{author}`")),
                Some(restored) => ("publish.rollback", format!("to {restored}, by `{author}`")),
            };
            audit::append(conn, &Entry { actor: by, action, subject: id.to_string(), detail }, now)
        })
        .await
    }

    /// Returns publishes, the newest first: at most `limit`, with lower numbers than `before`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn publishes(&self, before: Option<u64>, limit: u32) -> Result<Vec<PublishRow>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let sql = "SELECT * FROM publishes WHERE id < ? ORDER BY id DESC LIMIT ?";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            let values = params![before.map_or(i64::MAX, bits), limit.min(PAGE_MAX)];
            statement.query_map(values, row).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<PublishRow> {
    Ok(PublishRow {
        id: from_bits(row, "id")?,
        author: row.get("author")?,
        at: time(row, "at")?,
        restores: row.get::<_, Option<i64>>("restores")?.map(i64::cast_unsigned),
    })
}
