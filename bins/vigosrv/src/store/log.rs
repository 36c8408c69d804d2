//! The write-ahead log, and who writes it back into the database.

use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of a log that nobody has written back: a Litestream that is dead must not fill the disk.
const LOG_BYTES_MAX: u64 = 512 << 20;

/// Who writes the log back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Log {
    /// SQLite itself, every thousand pages.
    Own,
    /// Litestream, when it has copied it.
    Litestreams,
}

/// Keeps the log from growing without end.
#[derive(Debug)]
pub(super) struct LogKeeper {
    path: PathBuf,
    log: Log,
    max: u64,
    /// That it is too long has been told.
    is_told: bool,
}

impl LogKeeper {
    pub(super) fn new(database: &Path, log: Log) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), log, max: LOG_BYTES_MAX, is_told: false }
    }

    /// Writes the log back where it is too long, which Litestream then has to copy anew. Nobody waits for anybody.
    pub(super) fn keep_small(&mut self, conn: &Connection) {
        let bytes = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        if self.log == Log::Own || bytes <= self.max {
            self.is_told = false;
            return;
        }
        let done = checkpoint(conn, "PASSIVE", Duration::ZERO);
        if !std::mem::replace(&mut self.is_told, true) {
            let what = match done {
                Ok(_) => "it was written back into the database, without Litestream".into(),
                Err(e) => format!("it cannot be written back: {e}"),
            };
            let path = self.path.display();
            tracing::error!("`{path}` has {} MiB: see whether Litestream runs; {what}", bytes >> 20);
        }
    }

    /// Makes the database one file, at the end, unless Litestream still reads its log.
    pub(super) fn end(&self, conn: &Connection) {
        let patience = if self.log == Log::Litestreams { Duration::ZERO } else { super::handle::BUSY_TIMEOUT };
        match checkpoint(conn, "TRUNCATE", patience) {
            Ok(true) => {}
            Ok(false) if self.log == Log::Litestreams => {
                tracing::info!("the database stays in two files, for Litestream");
            }
            Ok(false) => tracing::warn!("the database stays in two files: another program reads it"),
            Err(e) => tracing::warn!("the database stays in two files: {e}"),
        }
    }
}

/// Writes the log back, and returns whether all of it was.
fn checkpoint(conn: &Connection, how: &str, patience: Duration) -> rusqlite::Result<bool> {
    conn.busy_timeout(patience)?;
    let done = conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get::<_, i64>(0));
    conn.busy_timeout(super::handle::BUSY_TIMEOUT)?;
    done.map(|busy| busy == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_log_that_nobody_writes_back_does_not_grow_without_end() {
        let dir = std::env::temp_dir().join(format!("vigo-log-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("vigo.db");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a)").unwrap();
        let write = || conn.execute("INSERT INTO t VALUES (randomblob(4000))", []).unwrap();
        let size = |name: &str| fs::metadata(dir.join(name)).unwrap().len();
        let mut keeper = LogKeeper { max: 100 << 10, ..LogKeeper::new(&path, Log::Litestreams) };
        for _ in 0..5 {
            write();
        }
        keeper.keep_small(&conn);
        assert!(!keeper.is_told && size("vigo.db") < 8192, "it is Litestream's");
        for _ in 0..200 {
            write();
            keeper.keep_small(&conn);
        }
        assert!(keeper.is_told && size("vigo.db") > 100 << 10 && size("vigo.db-wal") < 200 << 10);

        // Litestream reads: nobody waits for it at the end.
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        write();
        let began = std::time::Instant::now();
        keeper.end(&conn);
        assert!(began.elapsed() < Duration::from_secs(1) && size("vigo.db-wal") > 0);
        reader.execute_batch("COMMIT").unwrap();
        keeper.end(&conn);
        assert_eq!(size("vigo.db-wal"), 0);
        drop((conn, reader));
        fs::remove_dir_all(&dir).unwrap();
    }
}
