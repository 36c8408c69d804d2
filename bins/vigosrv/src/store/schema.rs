//! The tables, and how an older database gets them.

use super::StoreError;
use super::value::failed;
use rusqlite::{Connection, TransactionBehavior, params};
use std::collections::BTreeSet;
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
    include_str!("schema_10.sql"),
];

/// The newest version.
pub const SCHEMA: u32 = MIGRATIONS.len() as u32;

/// `VIGO` in the header, for whoever looks at a copy.
pub(super) const fn application() -> i64 {
    APPLICATION
}

/// The version that first noted which program brought the database to it.
const NOTED_FROM: i64 = 9;

/// Says what is wrong with the version in the header, or with the tables, if they do not go together.
fn contradiction(conn: &Connection, found: i64, tables: i64) -> Result<Option<String>, StoreError> {
    let failed = failed(conn);
    if found == 0 && tables == 0 {
        return Ok(None);
    }
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'programs'";
    let noted = match conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(&failed)? {
        0 => None,
        _ => conn
            .query_row("SELECT max(version) FROM programs", [], |row| row.get::<_, Option<i64>>(0))
            .map_err(&failed)?,
    };
    if found < 1 || noted.is_some_and(|noted| noted != found) || (found >= NOTED_FROM && noted.is_none()) {
        let noted = noted.map_or("none".into(), |noted| noted.to_string());
        return Ok(Some(format!("its header says version {found}, its tables {noted}")));
    }
    // Others may add tables of theirs: what replicates it does.
    let known = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(..found));
    let Some(known) = known else { return Ok(None) };
    let fresh = Connection::open_in_memory().map_err(&failed)?;
    for text in known {
        fresh.execute_batch(text).map_err(&failed)?;
    }
    let (ours, there) = (schema(&fresh)?, schema(conn)?);
    Ok(ours
        .into_iter()
        .find(|entry| !there.contains(entry))
        .map(|(kind, name, _)| format!("its {kind} `{name}` is another")))
}

/// Returns kind, name and text of what is in the database.
fn schema(conn: &Connection) -> Result<BTreeSet<(String, String, String)>, StoreError> {
    let failed = failed(conn);
    let sql = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_'";
    let mut statement = conn.prepare(sql).map_err(&failed)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(&failed)?;
    rows.collect::<Result<_, _>>().map_err(&failed)
}

/// Returns what is wrong with a database of a later version: which program to use it says itself.
pub(super) fn newer(conn: &Connection, path: &Path, found: i64) -> rusqlite::Result<StoreError> {
    let sql = "SELECT program FROM programs WHERE version = ?";
    let program = conn.query_row(sql, [found], |row| row.get(0))?;
    Ok(StoreError::Newer { path: path.to_owned(), found, known: MIGRATIONS.len() as i64, program })
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
    if let Some(why) = contradiction(&tx, found, tables)? {
        return Err(StoreError::Corrupt { path: path.to_owned(), why });
    }
    if found > known {
        return Err(newer(&tx, path, found).map_err(&failed)?);
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
