//! A copy of the database at one moment, while it is written to; and what is in such a copy.

use super::handle::connect;
use super::schema::{application, newer};
use super::{Store, StoreError};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use vigo_core::backup::AuditHead;
use vigo_core::time::Timestamp;

pub use super::schema::SCHEMA;

/// What is in a database that nobody writes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The version of its tables.
    pub schema: u32,
    /// The newest row of the audit.
    pub audit: AuditHead,
    /// The newest time that stands anywhere.
    pub newest: Timestamp,
    /// How many envoys it has.
    pub envoys: u64,
}

impl Store {
    /// Writes the database, as it is at one moment, to a file that is not there yet, 0600. Waits, for as long as it takes to
    /// copy; whoever writes to the database does not wait.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn snapshot(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |e: std::io::Error| StoreError::File { path: to.to_owned(), why: e.to_string() };
        // SQLite takes an empty file as it is, with its rights.
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
        let conn = connect(self.path(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let name = to.to_str().ok_or_else(|| failed(std::io::Error::other("its path is no text")))?;
        let copied = conn.execute("VACUUM INTO ?1", [name]);
        copied.map_err(|e| self.noted(StoreError::of(self.path(), &e)))?;
        file.sync_all().map_err(failed)
    }
}

impl Facts {
    /// Returns what is in the database at `path`, which nobody writes to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let conn = still(path)?;
        let failed = |e: rusqlite::Error| StoreError::of(path, &e);
        let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
        if number("application_id")? != application() {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        let schema = u32::try_from(number("user_version")?).unwrap_or_default();
        let head = "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1";
        let head = conn.query_row(head, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?)));
        let (id, hash) = head.optional().map_err(failed)?.unwrap_or_default();
        let newest = "SELECT max((SELECT coalesce(max(at), 0) FROM audit), \
                      (SELECT coalesce(max(last_seen), 0) FROM envoys), (SELECT coalesce(max(received_at), 0) FROM runs))";
        let newest = conn.query_row(newest, [], |row| row.get(0)).map_err(failed)?;
        let envoys = conn.query_row("SELECT count(*) FROM envoys", [], |row| row.get::<_, i64>(0)).map_err(failed)?;
        Ok(Self {
            schema,
            audit: AuditHead { id: u64::try_from(id).unwrap_or_default(), hash },
            newest: Timestamp::from_epoch_ms(newest),
            envoys: u64::try_from(envoys).unwrap_or_default(),
        })
    }
}

/// Returns what is wrong with the database at `path`, which nobody writes to; nothing where all of it can be read.
///
/// # Errors
/// [`StoreError`] where it cannot be opened.
pub fn damage(path: &Path) -> Result<Option<String>, StoreError> {
    let conn = still(path)?;
    // What is in it may have been put there: nothing of it is run.
    let checked = conn
        .pragma_update(None, "trusted_schema", false)
        .and_then(|()| conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)));
    Ok(match checked {
        Ok(said) if said == "ok" => None,
        Ok(said) => Some(said),
        Err(error) => Some(error.to_string()),
    })
}

/// Returns what a short look finds wrong with the database at `path`, with what stands in its log and is not in it yet;
/// nothing where it finds nothing.
///
/// # Errors
/// [`StoreError`] where it cannot be opened, or is none that this server takes.
pub fn quick_damage(path: &Path) -> Result<Option<String>, StoreError> {
    let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let looked = number("application_id").and_then(|id| {
        let said = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
        Ok((id, number("user_version")?, said))
    });
    match looked {
        Err(error) => Ok(Some(error.to_string())),
        Ok((id, _, _)) if id != application() => Err(StoreError::Foreign { path: path.to_owned() }),
        Ok((_, found, _)) if found > SCHEMA.into() => match newer(&conn, path, found) {
            Ok(newer) => Err(newer),
            Err(error) => Ok(Some(error.to_string())),
        },
        Ok((_, _, said)) => Ok(Some(said).filter(|said| said != "ok")),
    }
}

/// Opens a database that nobody writes to: no lock is taken, and no file made beside it.
fn still(path: &Path) -> Result<Connection, StoreError> {
    let failed = |why: String| StoreError::Database { path: path.to_owned(), why };
    let name = path.to_str().ok_or_else(|| failed("its path is no text".into()))?;
    let escaped: String = name
        .chars()
        .map(|c| match c {
            '%' => "%25".into(),
            '?' => "%3f".into(),
            '#' => "%23".into(),
            c => c.to_string(),
        })
        .collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags).map_err(|e| failed(e.to_string()))
}
