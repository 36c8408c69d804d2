//! The tables, and the formats of what is in them.

use super::private;
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, Table, TableDefinition, WriteTransaction};
use std::path::Path;
use vigo_core::converge::{Proof, Record, RevertCommand, StoredTrigger, VERSIONS_MAX};
use vigo_core::resource::{Kept as Was, Snapshot};

/// Raised when a table's keys or values change their meaning.
const FORMAT: u32 = 1;

/// What belongs to the file as a whole: `format`.
const META: TableDefinition<'_, &str, u32> = TableDefinition::new("meta");

/// By target and source: 1 when the trigger has fired.
const TRIGGERS: TableDefinition<'_, (&str, &str), u8> = TableDefinition::new("triggers");

/// By type and target: 1 when it was brought back, then what was there as [`encoded`].
const SNAPSHOTS: TableDefinition<'_, (&str, &str), Row<'_>> = TableDefinition::new("snapshots");

/// By target and number, the newest last: contents that a file had.
const VERSIONS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("versions");

/// By `crate/name`: the digest of the `on_revert` command that has succeeded.
const REVERT_COMMANDS: TableDefinition<'_, &str, [u8; 32]> = TableDefinition::new("revert_commands");

/// By `crate/name`: keyed digests of what was wanted of a resource with a secret, and of what was found.
const PROOFS: TableDefinition<'_, &str, ([u8; 32], [u8; 32])> = TableDefinition::new("proofs");

/// Whether it was brought back, kind, mode, owner, group, then content, target of a link or value.
type Row<'a> = (u8, u8, u32, u32, u32, &'a str, &'a [u8]);

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
    if path.exists() {
        return open_or_make(path);
    }
    // Under another name first: a run that is killed now, or a full disk, leaves nothing that looks like a damaged
    // database.
    let new = path.with_extension("redb.new");
    let _ = std::fs::remove_file(&new);
    let made = open_or_make(&new).and_then(|db| match std::fs::rename(&new, path).and_then(|()| sync_dir(path)) {
        Ok(()) => Ok(db),
        Err(error) => Err(Unusable::Io(error)),
    });
    if made.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    made
}

fn open_or_make(path: &Path) -> Result<Database, Unusable> {
    // It holds what was in files before they were changed.
    drop(private::open_file(path).map_err(Unusable::Io)?);
    contained(|| {
        let db = builder().create(path).map_err(redb::Error::from)?;
        check_format(&db, true)?;
        Ok(db)
    })
}

/// Makes the name of a file durable.
fn sync_dir(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        #[cfg(unix)]
        Some(dir) => std::fs::File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}

/// Opens a copy in memory, which may be repaired without a byte being written.
pub(super) fn open_copy(path: &Path) -> Result<Database, Unusable> {
    copied(path, &builder())
}

/// The same of one that is damaged: what is read from it may be anything, and reading it may fail or panic.
pub(super) fn open_damaged_copy(path: &Path) -> Result<Database, Unusable> {
    copied(path, builder().set_check_integrity_on_open(false))
}

/// Opens or makes one on a disk of a test's.
#[cfg(test)]
pub(super) fn open_on(disk: impl redb::StorageBackend) -> Result<Database, Unusable> {
    contained(|| {
        let db = builder().create_with_backend(disk).map_err(redb::Error::from)?;
        check_format(&db, true)?;
        Ok(db)
    })
}

fn copied(path: &Path, builder: &redb::Builder) -> Result<Database, Unusable> {
    let size = std::fs::metadata(path).map_err(Unusable::Io)?.len();
    if size > COPY_BYTES_MAX {
        return Err(Unusable::Damaged(format!("it has {size} bytes")));
    }
    let bytes = std::fs::read(path).map_err(Unusable::Io)?;
    contained(|| {
        let copy = InMemoryBackend::new();
        copy.set_len(bytes.len() as u64).and_then(|()| copy.write(0, &bytes)).map_err(Unusable::Io)?;
        let db = builder.create_with_backend(copy).map_err(redb::Error::from)?;
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

/// What earlier runs kept, to be brought back.
#[derive(Debug, Default)]
pub struct Kept {
    /// Snapshots.
    pub snapshots: Vec<Snapshot>,
    /// `on_revert` commands that have succeeded.
    pub revert_commands: Vec<RevertCommand>,
}

/// Returns all snapshots and revert commands.
pub(super) fn kept(db: &Database) -> Result<Kept, Unusable> {
    contained(|| {
        let read = db.begin_read().map_err(redb::Error::from)?;
        let mut kept = Kept::default();
        match read.open_table(SNAPSHOTS) {
            Err(redb::TableError::TableDoesNotExist(_)) => {}
            table => {
                for entry in table.map_err(redb::Error::from)?.iter().map_err(redb::Error::from)? {
                    let (key, value) = entry.map_err(redb::Error::from)?;
                    let ((type_name, target), row) = (key.value(), value.value());
                    let content = decoded(row).ok_or_else(|| Unusable::Damaged("a snapshot is unreadable".into()))?;
                    kept.snapshots.push(Snapshot {
                        type_name: type_name.into(),
                        target: target.into(),
                        kept: content,
                        reverted: row.0 != 0,
                    });
                }
            }
        }
        match read.open_table(REVERT_COMMANDS) {
            Err(redb::TableError::TableDoesNotExist(_)) => {}
            table => {
                for entry in table.map_err(redb::Error::from)?.iter().map_err(redb::Error::from)? {
                    let (key, value) = entry.map_err(redb::Error::from)?;
                    kept.revert_commands.push(RevertCommand { id: key.value().into(), sha256: value.value() });
                }
            }
        }
        Ok(kept)
    })
}

/// Returns all proofs.
pub(super) fn proofs(db: &Database) -> Result<Vec<Proof>, Unusable> {
    contained(|| {
        let read = db.begin_read().map_err(redb::Error::from)?;
        let table = match read.open_table(PROOFS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table.map_err(redb::Error::from)?,
        };
        let mut proofs = Vec::new();
        for entry in table.iter().map_err(redb::Error::from)? {
            let (id, digests) = entry.map_err(redb::Error::from)?;
            let (wanted, found) = digests.value();
            proofs.push(Proof { id: id.value().into(), wanted, found });
        }
        Ok(proofs)
    })
}

fn encoded(snapshot: &Snapshot) -> Row<'_> {
    let reverted = u8::from(snapshot.reverted);
    match &snapshot.kept {
        Was::Absent => (reverted, 0, 0, 0, 0, "", &[]),
        Was::File { content, mode, uid, gid } => (reverted, 1, *mode, *uid, *gid, "", content),
        Was::Link { to, uid, gid } => (reverted, 2, 0, *uid, *gid, to, &[]),
        Was::Value { attribute, value } => (reverted, 3, 0, 0, 0, attribute, value.as_bytes()),
    }
}

fn decoded((_, kind, mode, uid, gid, text, bytes): Row<'_>) -> Option<Was> {
    match kind {
        0 => Some(Was::Absent),
        1 => Some(Was::File { content: bytes.into(), mode, uid, gid }),
        2 => Some(Was::Link { to: text.into(), uid, gid }),
        3 => Some(Was::Value { attribute: text.into(), value: std::str::from_utf8(bytes).ok()?.into() }),
        _ => None,
    }
}

/// The table of snapshots, once it was opened: a run that makes a thousand files keeps as many snapshots.
type Open<'t> = Option<Table<'t, (&'static str, &'static str), Row<'static>>>;

fn snapshots<'o, 't>(
    write: &'t WriteTransaction,
    open: &'o mut Open<'t>,
) -> Result<&'o mut Table<'t, (&'static str, &'static str), Row<'static>>, redb::Error> {
    match open {
        Some(table) => Ok(table),
        None => Ok(open.insert(write.open_table(SNAPSHOTS)?)),
    }
}

/// Keeps a snapshot, unless there is one that was not brought back, and a file's content as its newest version.
fn keep<'t>(write: &'t WriteTransaction, open: &mut Open<'t>, snapshot: &Snapshot) -> Result<(), redb::Error> {
    let key = (&*snapshot.type_name, &*snapshot.target);
    let snapshots = snapshots(write, open)?;
    let is_kept = snapshots.get(key)?.is_some_and(|row| row.value().0 == 0);
    if !is_kept {
        snapshots.insert(key, encoded(snapshot))?;
    }
    let Was::File { content, .. } = &snapshot.kept else { return Ok(()) };
    let mut versions = write.open_table(VERSIONS)?;
    let target = &*snapshot.target;
    let mut numbers = Vec::new();
    for entry in versions.range((target, 0)..=(target, u64::MAX))? {
        numbers.push(entry?.0.value().1);
    }
    versions.insert((target, numbers.last().map_or(0, |n| n + 1)), &**content)?;
    let old = (numbers.len() + 1).saturating_sub(VERSIONS_MAX);
    for number in numbers.into_iter().take(old) {
        versions.remove((target, number))?;
    }
    Ok(())
}

/// Marks a snapshot as brought back.
fn mark_reverted<'t>(
    write: &'t WriteTransaction,
    open: &mut Open<'t>,
    type_name: &str,
    target: &str,
) -> Result<(), redb::Error> {
    let snapshots = snapshots(write, open)?;
    let was = match snapshots.get((type_name, target))? {
        Some(row) => decoded(row.value()),
        None => None,
    };
    if let Some(kept) = was {
        let snapshot = Snapshot { type_name: type_name.into(), target: target.into(), kept, reverted: true };
        snapshots.insert((type_name, target), encoded(&snapshot))?;
    }
    Ok(())
}

/// Writes records in one transaction that is on disk when this returns, and says whether any trigger is left.
pub(super) fn store<'a>(db: &Database, records: impl Iterator<Item = &'a Record>) -> Result<bool, Unusable> {
    contained(|| Ok(written(db, records)?))
}

fn written<'a>(db: &Database, records: impl Iterator<Item = &'a Record>) -> Result<bool, redb::Error> {
    let write = db.begin_write()?;
    let is_left = {
        let mut table = write.open_table(TRIGGERS)?;
        let mut open = None;
        for record in records {
            match record {
                Record::Trigger(t) => _ = table.insert((&*t.target, &*t.source), u8::from(t.fired))?,
                Record::TriggerDone { source, target } => _ = table.remove((&**target, &**source))?,
                Record::Snapshot(snapshot) => keep(&write, &mut open, snapshot)?,
                Record::Reverted { type_name, target } => mark_reverted(&write, &mut open, type_name, target)?,
                Record::RevertCommand(done) => {
                    write.open_table(REVERT_COMMANDS)?.insert(&*done.id, done.sha256)?;
                }
                Record::Proof(proof) => {
                    write.open_table(PROOFS)?.insert(&*proof.id, (proof.wanted, proof.found))?;
                }
                Record::Unproved(id) => _ = write.open_table(PROOFS)?.remove(&**id)?,
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
pub(super) fn contained<T>(open: impl FnOnce() -> Result<T, Unusable>) -> Result<T, Unusable> {
    // The message is told by the caller; the default hook would print it as a crash.
    let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(open));
    unwound.unwrap_or_else(|_| Err(Unusable::Damaged("its pages contradict each other".into())))
}

/// Says why a file is of no use.
pub(super) fn told(why: &Unusable) -> String {
    match why {
        Unusable::Newer(format) => format!("a later version of Vigo wrote it (format {format})"),
        Unusable::Damaged(what) => format!("it is damaged ({what})"),
        Unusable::Io(error) => error.to_string(),
    }
}
