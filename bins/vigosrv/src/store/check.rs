//! Whether the database is what was written.
//!
//! SQLite has no checksums: what tells of a byte that a disk has changed are the rules of its pages, the indexes, which have
//! a second copy of what the server decides by, and sums and chains of our own beside what is long.

use super::handle::connect;
use super::value::failed;
use super::{Store, StoreError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, InterruptHandle, OpenFlags};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Rows that are told of, of each kind.
const TOLD_MAX: usize = 10;

/// What ends the check that is under way, if there is one.
#[derive(Default)]
pub(super) struct Checking(Mutex<Option<InterruptHandle>>);

impl Checking {
    fn set(&self, handle: InterruptHandle) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    /// Ends it: it would keep the log from being written back.
    pub(super) fn end(&self) {
        if let Some(handle) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            handle.interrupt();
        }
    }
}

impl fmt::Debug for Checking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checking")
    }
}

/// Returns the sum that stands beside a text or a body.
pub(super) fn sum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Looks at the pages of a database that nobody has open, before it is opened.
///
/// # Errors
/// [`StoreError::Corrupt`] where they contradict each other; the file is left as it is.
pub fn look(path: &Path) -> Result<(), StoreError> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(|e| StoreError::of(path, &e))?;
    pages(&conn, path, "quick_check")
}

impl Store {
    /// Looks at every page and every row but those of the audit, while it is read and written. Returns what is wrong with single rows, which others
    /// do not suffer from: a line each, of the first ten.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where it is the file that is damaged: [`Store::damage`] says so from then on.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        let store = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let conn = connect(store.path(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            store.checking().set(conn.get_interrupt_handle());
            pages(&conn, store.path(), "integrity_check")?;
            rows(&conn)
        });
        let done = done.await.unwrap_or(Err(StoreError::Closed));
        done.map_err(|error| if self.is_open() { self.noted(error) } else { StoreError::Closed })
    }
}

/// Looks at all pages.
fn pages(conn: &Connection, path: &Path, how: &str) -> Result<(), StoreError> {
    let said = conn.query_row(&format!("PRAGMA {how}(1)"), [], |row| row.get::<_, String>(0));
    match said.map_err(|e| StoreError::of(path, &e))? {
        said if said == "ok" => Ok(()),
        said => Err(StoreError::Corrupt { path: path.to_owned(), why: said.replace('\n', " ") }),
    }
}

/// Looks at what no page tells of.
fn rows(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let failed = failed(conn);
    let mut wrong = Vec::new();
    let sql = "SELECT 'report ' || id, body, sum FROM runs WHERE sum IS NOT NULL UNION ALL SELECT 'text of the traits of envoy ' || \
               lower(hex(envoy)), CAST(json AS BLOB), sum FROM traits WHERE sum IS NOT NULL";
    let mut statement = conn.prepare(sql).map_err(&failed)?;
    let mut found = statement.query([]).map_err(&failed)?;
    while let Some(row) = found.next().map_err(&failed)? {
        let bytes = row.get_ref(1).map_err(&failed)?;
        let bytes = bytes.as_blob().map_err(|e| StoreError::Damaged { what: "a row", why: e.to_string() })?;
        if row.get::<_, i64>(2).map_err(&failed)? != i64::from(sum(bytes)) {
            wrong.push(format!("the {} is not what was written", row.get::<_, String>(0).map_err(&failed)?));
        }
        if wrong.len() >= TOLD_MAX {
            break;
        }
    }
    // The number up to which an agent's reports are here is that of its newest one.
    let sql = "SELECT lower(hex(runs.envoy)) FROM runs LEFT JOIN incarnations USING (envoy, incarnation) \
               WHERE runs.id IN (SELECT max(id) FROM runs GROUP BY envoy) AND incarnations.seq IS NOT runs.seq LIMIT ?";
    let mut statement = conn.prepare(sql).map_err(&failed)?;
    let envoys = statement.query_map([TOLD_MAX as i64], |row| row.get::<_, String>(0)).map_err(&failed)?;
    for envoy in envoys {
        let envoy = envoy.map_err(&failed)?;
        wrong.push(format!("the number of the newest report of envoy {envoy} is not that of its newest report"));
    }
    Ok(wrong)
}
