//! The tables, and the formats of what is in them.

use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use std::path::Path;
use vigo_core::converge::{Record, StoredTrigger};

/// Raised when a table's keys or values change their meaning.
const FORMAT: u32 = 1;

/// What belongs to the file as a whole: `format`.
const META: TableDefinition<'_, &str, u32> = TableDefinition::new("meta");

/// By target and source: 1 when the trigger has fired.
const TRIGGERS: TableDefinition<'_, (&str, &str), u8> = TableDefinition::new("triggers");

/// Bytes of memory for pages; the agent's idle size is counted in single megabytes.
const CACHE_BYTES: usize = 256 << 10;

/// Bytes of a file that a plan copies into memory; a larger one is not ours.
const COPY_BYTES_MAX: u64 = 256 << 20;

/// Why a file is of no use.
#[derive(Debug)]
pub(super) enum Unusable {
    /// It was written by a later version.
    Newer(u32),
    /// It is no database, or a broken one.
    Damaged(String),
    /// It could not be read or written at all.
    Io(std::io::Error),
}

/// Opens or makes the database. A file that is broken in whatever way is told, never a panic.
pub(super) fn open(path: &Path) -> Result<Database, Unusable> {
    contained(|| {
        let db = builder().create(path).map_err(redb::Error::from)?;
        check_format(&db, true)?;
        Ok(db)
    })
}

/// Opens a copy in memory, which may be repaired without a byte being written.
pub(super) fn open_copy(path: &Path) -> Result<Database, Unusable> {
    let size = std::fs::metadata(path).map_err(Unusable::Io)?.len();
    if size > COPY_BYTES_MAX {
        return Err(Unusable::Damaged(format!("it has {size} bytes")));
    }
    let bytes = std::fs::read(path).map_err(Unusable::Io)?;
    contained(|| {
        let copy = InMemoryBackend::new();
        copy.set_len(bytes.len() as u64).and_then(|()| copy.write(0, &bytes)).map_err(Unusable::Io)?;
        let db = builder().create_with_backend(copy).map_err(redb::Error::from)?;
        check_format(&db, false)?;
        Ok(db)
    })
}

/// Returns all triggers.
pub(super) fn triggers(db: &Database) -> Result<Vec<StoredTrigger>, Unusable> {
    contained(|| {
        let read = db.begin_read().map_err(redb::Error::from)?;
        let table = match read.open_table(TRIGGERS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(e) => return Err(redb::Error::from(e).into()),
        };
        let mut triggers = Vec::new();
        for entry in table.iter().map_err(redb::Error::from)? {
            let (key, value) = entry.map_err(redb::Error::from)?;
            let (target, source) = key.value();
            triggers.push(StoredTrigger { source: source.into(), target: target.into(), fired: value.value() != 0 });
        }
        Ok(triggers)
    })
}

/// Writes records in one transaction that is on disk when this returns, and says whether any trigger is left.
pub(super) fn store(db: &Database, records: &[Record]) -> Result<bool, redb::Error> {
    let write = db.begin_write()?;
    let is_left = {
        let mut table = write.open_table(TRIGGERS)?;
        for record in records {
            match record {
                Record::Trigger(t) => _ = table.insert((&*t.target, &*t.source), u8::from(t.fired))?,
                Record::TriggerDone { source, target } => _ = table.remove((&**target, &**source))?,
            }
        }
        table.first()?.is_some()
    };
    write.commit()?;
    Ok(is_left)
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// Compares the format with ours; a new file gets ours.
fn check_format(db: &Database, may_write: bool) -> Result<(), Unusable> {
    let read = db.begin_read().map_err(redb::Error::from)?;
    let format = match read.open_table(META) {
        Ok(table) => table.get("format").map_err(redb::Error::from)?.map(|v| v.value()),
        Err(redb::TableError::TableDoesNotExist(_)) => None,
        Err(e) => return Err(redb::Error::from(e).into()),
    };
    match format {
        Some(FORMAT) => Ok(()),
        Some(later) if later > FORMAT => Err(Unusable::Newer(later)),
        Some(other) => Err(Unusable::Damaged(format!("it says format {other}"))),
        None if read.list_tables().map_err(redb::Error::from)?.next().is_some() => {
            Err(Unusable::Damaged("it is the database of another program".into()))
        }
        None if may_write => {
            drop(read);
            let write = db.begin_write().map_err(redb::Error::from)?;
            write.open_table(META).map_err(redb::Error::from)?.insert("format", FORMAT).map_err(redb::Error::from)?;
            write.commit().map_err(redb::Error::from)?;
            Ok(())
        }
        None => Ok(()),
    }
}

impl From<redb::Error> for Unusable {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(e) if !is_of_content(e.kind()) => Self::Io(e),
            redb::Error::UpgradeRequired(version) => Self::Damaged(format!("its file format is {version}")),
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// Returns whether an error says that the file is wrong, not the machine.
fn is_of_content(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(kind, InvalidData | InvalidInput | UnexpectedEof)
}

/// Runs `open` and takes a panic for what it says about the file.
fn contained<T>(open: impl FnOnce() -> Result<T, Unusable>) -> Result<T, Unusable> {
    // The message is told by the caller; the default hook would print it as a crash.
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open));
    unwound.unwrap_or_else(|_| Err(Unusable::Damaged("its pages contradict each other".into())))
}
