//! The tables, and how an older database gets them.

use super::StoreError;
use super::value::failed;
use rusqlite::{Connection, TransactionBehavior, params};
use std::path::Path;
use vigo_core::time::Timestamp;

/// `VIGO` in the header of the file: which program's it is.
const APPLICATION: i64 = 0x5649_474f;

/// What each version adds to the one before. Entries are never changed: databases in the field have gone through them.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
    include_str!("schema_9.sql"),
];

/// The newest version.
pub const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// `VIGO` in the header, for whoever looks at a copy.
pub(super) const fn application() -> i64 {
    APPLICATION
}

/// Brings the database to the newest version, which it notes; a new file gets them all.
pub(super) fn migrate(conn: &mut Connection, path: &Path, now: Timestamp) -> Result<(), StoreError> {
    let failed = failed(conn);
    let known = MIGRATIONS.len() as i64;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    let number = |name| tx.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(&failed);
    let (application, found) = (number("application_id")?, number("user_version")?);
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(&failed)?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    for text in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        tx.execute_batch(text).map_err(&failed)?;
    }
    if found < known {
        let row = params![known, env!("CARGO_PKG_VERSION"), now.epoch_ms()];
        tx.execute("INSERT INTO programs (version, program, at) VALUES (?, ?, ?)", row).map_err(&failed)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION).map_err(&failed)?;
    tx.pragma_update(None, "user_version", known).map_err(&failed)?;
    tx.commit().map_err(&failed)
}
