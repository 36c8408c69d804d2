//! The one thread that writes.

use super::StoreError;
use super::dirty::{self, Dirty};
use super::envoy::set_revoked;
use super::job::Job;
use super::value::failed;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use vigo_core::id::EnvoyId;
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
    next_flush: Instant,
}

/// Applies the revoked ids, and returns the newest time that stands anywhere.
pub(super) fn begin(conn: &mut Connection, revoked: &[EnvoyId], now: Timestamp) -> Result<Timestamp, StoreError> {
    let failed = failed(conn);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&failed)?;
    for id in revoked {
        set_revoked(&tx, *id, now)?;
    }
    let sql = "SELECT max((SELECT coalesce(max(at), 0) FROM audit), (SELECT coalesce(max(last_seen), 0) FROM envoys), \
               (SELECT coalesce(max(received_at), 0) FROM runs))";
    let newest = tx.query_row(sql, [], |row| row.get(0)).map_err(&failed)?;
    tx.commit().map_err(&failed)?;
    Ok(Timestamp::from_epoch_ms(newest))
}

impl Writer {
    pub(super) fn new(conn: Connection, jobs: Receiver<Box<dyn Job>>, dirty: Arc<Dirty>) -> Self {
        Self { conn, jobs, dirty, next_flush: Instant::now() + FLUSH_EVERY }
    }

    /// Works until the queue is closed and empty, then puts everything into the one file.
    pub(super) fn run(mut self) {
        loop {
            match self.jobs.recv_timeout(self.next_flush.saturating_duration_since(Instant::now())) {
                Ok(job) => self.group(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= self.next_flush {
                self.flush();
                self.next_flush = Instant::now() + FLUSH_EVERY;
            }
        }
        self.flush();
        if let Err(e) = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!("the database stays in two files: {e}");
        }
    }

    /// Performs `first` and what is queued behind it as one transaction, and answers them.
    fn group(&mut self, first: Box<dyn Job>) {
        let began = Instant::now();
        let mut next = Some(first);
        let mut done: Vec<Box<dyn Job>> = Vec::new();
        let mut committed = self.begin();
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
            tracing::warn!("last contacts are not written: {e}");
            if !self.conn.is_autocommit() {
                let _ = self.conn.execute_batch("ROLLBACK");
            }
            self.dirty.put_back(touches);
        }
    }
}
