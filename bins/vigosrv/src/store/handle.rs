//! The handle that everybody has.

use super::StoreError;
use super::beside::Beside;
use super::check::Checking;
use super::damage::Damage;
use super::dirty::Dirty;
use super::job::{Job, Pending};
use super::log::{Log, LogKeeper};
use super::revoked::Revoked;
use super::schema;
use super::value::failed;
use super::writer::{self, Begun, Writer};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use vigo_core::server::WentBack;
use vigo_core::time::Timestamp;

/// How long SQLite waits for a lock that another program holds.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Queries at a time.
const READERS: usize = 4;

/// Units of [`UNIT_BYTES`] that wait in the writer's queue: 64 MiB. Who brings more waits for room.
const QUEUE_UNITS: usize = 64 << 10;

/// Bytes of one unit: each command counts as one at least.
const UNIT_BYTES: usize = 1 << 10;

/// The server's database. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    queue: Mutex<Option<Sender<Box<dyn Job>>>>,
    room: Arc<Semaphore>,
    writer: Mutex<Option<JoinHandle<()>>>,
    readers: Mutex<Vec<Connection>>,
    reading: Arc<Semaphore>,
    dirty: Arc<Dirty>,
    revoked: Arc<Revoked>,
    damage: Arc<Damage>,
    checking: Checking,
    newest: Timestamp,
    went_back: Option<WentBack>,
}

impl Store {
    /// Opens the database at `path`, made or brought up to date as need be, and applies the file of revoked ids. In the
    /// folder of that it looks whether the database is older than what the server has done: then tokens, logins and orders
    /// of the past are void.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Newer`] for a database of a later version.
    pub fn open(path: &Path, revoked: &Path, now: Timestamp) -> Result<Self, StoreError> {
        Self::open_as(path, revoked, Log::Own, now)
    }

    /// The same, where Litestream may be who writes the log back into the database.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_as(path: &Path, revoked: &Path, log: Log, now: Timestamp) -> Result<Self, StoreError> {
        let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        schema::migrate(&mut conn, path, now)?;
        let failed = failed(&conn);
        // The default, and never `NORMAL`: what is acknowledged must outlast a power cut.
        conn.pragma_update(None, "journal_mode", "WAL").map_err(&failed)?;
        conn.pragma_update(None, "synchronous", "FULL").map_err(&failed)?;
        conn.pragma_update(None, "foreign_keys", true).map_err(&failed)?;
        if log == Log::Litestreams {
            // What it has not copied yet must not be written over.
            conn.pragma_update(None, "wal_autocheckpoint", 0).map_err(&failed)?;
        }
        let mut beside = Beside::new(revoked);
        let revoked = Arc::new(Revoked::open(revoked)?);
        let Begun { newest, went_back } = writer::begin(&mut conn, path, &revoked, &mut beside, now)?;
        let (dirty, damage) = (Arc::new(Dirty::default()), Arc::new(Damage::default()));
        let (queue, jobs) = std::sync::mpsc::channel();
        let writer = Writer::new(conn, jobs, dirty.clone(), beside, damage.clone(), LogKeeper::new(path, log));
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || writer.run());
        let thread =
            thread.map_err(|e| StoreError::File { path: path.to_owned(), why: format!("start its thread: {e}") })?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            queue: Mutex::new(Some(queue)),
            room: Arc::new(Semaphore::new(QUEUE_UNITS)),
            writer: Mutex::new(Some(thread)),
            readers: Mutex::new(Vec::new()),
            reading: Arc::new(Semaphore::new(READERS)),
            dirty,
            revoked,
            damage,
            checking: Checking::default(),
            newest,
            went_back,
        })))
    }

    /// Returns the newest time in the database when it was opened. A clock that is behind it went back.
    pub fn newest(&self) -> Timestamp {
        self.0.newest
    }

    /// Returns what the database was found to have lost when it was opened, if it went back; what it had of the past is void
    /// since.
    pub fn found_back(&self) -> Option<WentBack> {
        self.0.went_back
    }

    /// Returns whether commands are performed: the thread that writes is there.
    pub fn is_open(&self) -> bool {
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Commits what is queued and laid down, makes the database one file, and closes it. Waits; what is asked after it
    /// is refused.
    pub fn close(&self) {
        self.0.room.close();
        self.0.reading.close();
        self.checking().end();
        drop(self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if let Some(thread) = writer
            && thread.join().is_err()
        {
            tracing::error!("the thread of the store has panicked");
        }
    }

    /// Returns what is wrong with the database's file, once that was found. It is not written to any more, and is left as it
    /// is when the store is closed.
    pub fn damage(&self) -> Option<String> {
        self.0.damage.found()
    }

    /// Waits until the database's file is found to be damaged.
    pub async fn damaged(&self) -> String {
        self.0.damage.wait().await
    }

    /// Notes an error, where it says that the file is damaged; returns it.
    pub(super) fn noted(&self, error: StoreError) -> StoreError {
        self.0.damage.note(&error);
        error
    }

    /// What ends a check that is under way.
    pub(super) fn checking(&self) -> &Checking {
        &self.0.checking
    }

    /// Returns the database's file.
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn dirty(&self) -> &Dirty {
        &self.0.dirty
    }

    pub(super) fn revoked(&self) -> Arc<Revoked> {
        self.0.revoked.clone()
    }

    /// Queues a command that holds `bytes`, and waits for the commit that it is in.
    pub(super) async fn write<T, W>(&self, bytes: usize, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let units = (1 + bytes / UNIT_BYTES).min(QUEUE_UNITS);
        let permit = self.0.room.clone().acquire_many_owned(units as u32).await.map_err(|_| StoreError::Closed)?;
        let (answer, outcome) = oneshot::channel();
        let job = Box::new(Pending::new(work, answer, permit));
        let queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        queue.and_then(|queue| queue.send(job).ok()).ok_or(StoreError::Closed)?;
        outcome.await.unwrap_or(Err(StoreError::Closed)).map_err(|error| self.noted(error))
    }

    /// Runs a query on a connection that cannot write.
    pub(super) async fn read<T, Q>(&self, query: Q) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = self.0.reading.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let inner = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let idle = inner.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let conn = match idle {
                Some(conn) => conn,
                None => connect(&inner.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            };
            let found = query(&conn);
            inner.readers.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            found
        });
        done.await.unwrap_or(Err(StoreError::Closed)).map_err(|error| self.noted(error))
    }
}

/// Makes an empty database, which the next [`Store::open`] finds to have gone back where there was one.
///
/// # Errors
/// [`StoreError`].
pub fn make(path: &Path, now: Timestamp) -> Result<(), StoreError> {
    let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    schema::migrate(&mut conn, path, now)
}

/// Opens a connection.
pub(super) fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let error = |e: rusqlite::Error| StoreError::of(path, &e);
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(error)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(error)?;
    // A page that contradicts itself is told, not believed.
    conn.pragma_update(None, "cell_size_check", true).map_err(error)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}
