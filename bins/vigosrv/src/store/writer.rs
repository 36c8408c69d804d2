//! The one thread that writes.

use super::StoreError;
use super::audit;
use super::beside::Beside;
use super::damage::Damage;
use super::dirty::{self, Dirty};
use super::envoy::set_revoked;
use super::job::Job;
use super::log::LogKeeper;
use super::restored::void_past;
use super::revoked::Revoked;
use super::value::{envoy_id, failed};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use vigo_core::id::EnvoyId;
use vigo_core::server::{AuditStamp, Found, WentBack, went_back};
use vigo_core::time::Timestamp;

/// How long what was laid down may lie.
const FLUSH_EVERY: Duration = Duration::from_secs(10);

/// Commands of one transaction, and how long it may gather: nobody waits long for those behind.
const GROUP_MAX: usize = 1024;
const GATHER_MAX: Duration = Duration::from_millis(20);

/// How often a transaction is begun again when another program holds the lock, each time after SQLite's own wait.
const BEGIN_ATTEMPTS: u32 = 6;

/// The thread and what it has.
pub(super) struct Writer {
    conn: Connection,
    jobs: Receiver<Box<dyn Job>>,
    dirty: Arc<Dirty>,
    beside: Beside,
    damage: Arc<Damage>,
    log: LogKeeper,
    next_flush: Instant,
}

/// What a database was found to be when it was opened.
pub(super) struct Begun {
    /// The newest time that stood anywhere in it.
    pub(super) newest: Timestamp,
    /// It was older than what the server had done; what it had of the past is void since.
    pub(super) went_back: Option<WentBack>,
}

/// Sees that what never comes back is in both places, and whether the database went back; then its past is void.
pub(super) fn begin(
    conn: &mut Connection,
    path: &Path,
    revoked: &Revoked,
    beside: &mut Beside,
    now: Timestamp,
) -> Result<Begun, StoreError> {
    let failed = failed(conn);
    let (mark, stamp) = (beside.mark()?, beside.stamp()?);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    let sql = "SELECT max((SELECT coalesce(max(at), 0) FROM audit), (SELECT coalesce(max(last_seen), 0) FROM envoys), \
               (SELECT coalesce(max(received_at), 0) FROM runs))";
    let newest = tx.query_row(sql, [], |row| row.get(0)).map_err(&failed)?;
    let newest = Timestamp::from_epoch_ms(newest);
    let at_stamp = stamp.map(|stamp| audit::hash_of(&tx, stamp.id)).transpose()?.flatten();
    let newest_row = audit::head(&tx)?.map(|(id, hash, _)| (id, hash));
    let ends_at_stamp = newest_row == stamp.map(|stamp| (stamp.id, stamp.hash));
    let is_other_file = beside.is_other(path)?;
    let went_back = went_back(&Found { mark, stamp, at_stamp, ends_at_stamp, is_other_file, newest, now });
    unite(&tx, revoked, now)?;
    if let Some(went_back) = &went_back {
        void_past(&tx, went_back, Timestamp::from_epoch_ms(i64::MAX), now.max(went_back.from))?;
    }
    let head = audit::head(&tx)?;
    tx.commit().map_err(&failed)?;
    let written = head.map_or(Ok(()), |(id, hash, at)| beside.write(AuditStamp { id, hash, at }));
    match written {
        // With the old one the same would be found again.
        Err(error) if went_back.is_some() => return Err(error),
        Err(error) => tracing::warn!("the stamp stays as it was: {error}"),
        Ok(()) => {}
    }
    beside.clear_mark()?;
    beside.note_file(path)?;
    Ok(Begun { newest, went_back })
}

/// Brings what never comes back from the file into the database, and from the database into the file: either may be the
/// older one.
fn unite(conn: &Connection, revoked: &Revoked, now: Timestamp) -> Result<(), StoreError> {
    let failed = failed(conn);
    for id in revoked.all() {
        set_revoked(conn, id, now)?;
        bury(conn, id, now)?;
    }
    let mut statement = conn.prepare("SELECT id FROM tombstones").map_err(&failed)?;
    let ids = statement.query_map([], |row| envoy_id(row, "id")).map_err(&failed)?;
    let ids: Vec<EnvoyId> = ids.collect::<Result<_, _>>().map_err(&failed)?;
    let missing: Vec<EnvoyId> = ids.into_iter().filter(|id| !revoked.contains(*id)).collect();
    if !missing.is_empty() {
        tracing::warn!("{} ids that never come back were not in `tls/revoked`: it went back", missing.len());
    }
    revoked.add_all(&missing)
}

/// Notes in the database that an id never comes back, whatever becomes of its row.
pub(super) fn bury(conn: &Connection, id: EnvoyId, now: Timestamp) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "INSERT INTO tombstones (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING";
    conn.prepare_cached(sql).map_err(&failed)?.execute(params![id.0, now.epoch_ms()]).map_err(&failed)?;
    Ok(())
}

impl Writer {
    pub(super) fn new(
        conn: Connection,
        jobs: Receiver<Box<dyn Job>>,
        dirty: Arc<Dirty>,
        beside: Beside,
        damage: Arc<Damage>,
        log: LogKeeper,
    ) -> Self {
        Self { conn, jobs, dirty, beside, damage, log, next_flush: Instant::now() + FLUSH_EVERY }
    }

    /// Works until the queue is closed and empty, then puts everything into the one file.
    pub(super) fn run(mut self) {
        loop {
            match self.jobs.recv_timeout(self.next_flush.saturating_duration_since(Instant::now())) {
                Ok(job) => self.group(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= self.next_flush && self.damage.found().is_none() {
                self.flush();
                self.stamp();
                self.log.keep_small(&self.conn);
                self.next_flush = Instant::now() + FLUSH_EVERY;
            }
        }
        if self.damage.found().is_some() {
            // What is wrong with it can still be seen, and what is in its log is not written over what is whole.
            if let Err(e) = self.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true) {
                tracing::warn!("the damaged database is not left as it is: {e}");
            }
            return;
        }
        self.flush();
        self.stamp();
        self.log.end(&self.conn);
    }

    /// Performs `first` and what is queued behind it as one transaction, and answers them.
    fn group(&mut self, first: Box<dyn Job>) {
        let began = Instant::now();
        let mut next = Some(first);
        let mut done: Vec<Box<dyn Job>> = Vec::new();
        let mut committed = match self.damage.found() {
            Some(why) => Err(StoreError::Corrupt { path: self.conn.path().unwrap_or_default().into(), why }),
            None => self.begin(),
        };
        while committed.is_ok()
            && let Some(mut job) = next.take()
        {
            committed = self.perform(&mut *job);
            done.push(job);
            if done.len() < GROUP_MAX && began.elapsed() < GATHER_MAX {
                next = self.jobs.try_recv().ok();
            }
        }
        done.extend(next);
        if committed.is_ok() {
            committed = self.conn.execute_batch("COMMIT").map_err(failed(&self.conn));
        }
        if let Err(e) = &committed {
            tracing::error!("nothing is acknowledged: {e}");
            if !self.conn.is_autocommit() {
                let _ = self.conn.execute_batch("ROLLBACK");
            }
        }
        for job in done {
            job.answer(committed.clone());
        }
    }

    /// Performs one command in a savepoint. An error is one of the transaction, not of the command.
    fn perform(&self, job: &mut dyn Job) -> Result<(), StoreError> {
        let failed = failed(&self.conn);
        self.conn.execute_batch("SAVEPOINT job").map_err(&failed)?;
        let went_well = job.perform(&self.conn);
        // SQLite takes the whole transaction back for some errors: a full disk, a broken one.
        if self.conn.is_autocommit() {
            let why = "the transaction was taken back".into();
            return Err(StoreError::Database { path: self.conn.path().unwrap_or_default().into(), why });
        }
        let end = if went_well { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" };
        self.conn.execute_batch(end).map_err(&failed)
    }

    fn begin(&self) -> Result<(), StoreError> {
        let mut attempt = 1;
        loop {
            match self.conn.execute_batch("BEGIN IMMEDIATE") {
                Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && attempt < BEGIN_ATTEMPTS => {
                    tracing::warn!(attempt, "the database is busy; acknowledgements wait");
                    attempt += 1;
                }
                other => return other.map_err(failed(&self.conn)),
            }
        }
    }

    /// Notes beside the database what it has: always after the commit, so that it is ahead of no database but one that
    /// went back.
    fn stamp(&mut self) {
        let written = audit::head(&self.conn).and_then(|head| {
            let Some((id, hash, at)) = head else { return Ok(()) };
            self.beside.write(AuditStamp { id, hash, at })
        });
        if let Err(e) = written {
            tracing::warn!("the stamp stays as it was: {e}");
        }
    }

    /// Writes what was laid down; what cannot be written stays for the next time.
    fn flush(&mut self) {
        let touches = self.dirty.take();
        if touches.is_empty() {
            return;
        }
        let written = self.begin().and_then(|()| {
            dirty::flush(&self.conn, &touches)?;
            self.conn.execute_batch("COMMIT").map_err(failed(&self.conn))
        });
        if let Err(e) = written {
            self.damage.note(&e);
            tracing::warn!("last contacts are not written: {e}");
            if !self.conn.is_autocommit() {
                let _ = self.conn.execute_batch("ROLLBACK");
            }
            self.dirty.put_back(touches);
        }
    }
}
