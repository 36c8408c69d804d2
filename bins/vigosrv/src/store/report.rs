//! The reports of runs: each counted once, however often it comes.

use super::check::sum;
use super::clones::count_doubled;
use super::envoy::{self, counts, set_status};
use super::value::{bits, bytes_or_none, cut, envoy_id, failed, from_bits, time};
use super::{Status, Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use vigo_core::fleet::LastRun;
use vigo_core::id::EnvoyId;
use vigo_core::time::{Duration, Timestamp};
use vigo_core::wire::Message as _;
use vigo_core::wire::message::{Counts, Report};

/// Databases of one agent whose reports are told apart: it makes a new one when the old was lost.
const INCARNATIONS_MAX: u32 = 16;

/// Runs of one envoy that are kept.
const RUNS_MAX: u32 = 1000;

/// Bytes of an outcome, a word or two, and of an error: the row of an envoy is read with all others.
const OUTCOME_BYTES_MAX: usize = 32;
const ERROR_BYTES_MAX: usize = 2048;

/// Runs of one page.
const PAGE_MAX: u32 = 500;

/// What came of a report: it is on the disk, now or since before.
#[derive(Clone, PartialEq, Debug)]
pub struct Recorded {
    /// All reports of the incarnation up to this number are here: what to acknowledge.
    pub seq: u64,
    /// The envoy's status, where this report moved it; none for one that came again.
    pub status: Option<Status>,
    /// Another report had its number, so that it is thrown away: two machines with one identity count alike, and so does
    /// one that was set back in time.
    pub is_doubled: bool,
}

/// A run, without what its resources came to.
#[derive(Clone, PartialEq, Debug)]
pub struct RunHead {
    /// The server's number for it.
    pub id: i64,
    /// Whose it is.
    pub envoy: EnvoyId,
    /// The envoy's name now.
    pub hostname: String,
    /// As in [`Report`].
    pub incarnation: u64,
    /// As in [`Report`].
    pub seq: u64,
    /// When the report came.
    pub received_at: Timestamp,
    /// When the run began, by the envoy's clock.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// As in [`Report`].
    pub outcome: String,
    /// As in [`Report`].
    pub observed: bool,
    /// How many resources came to what.
    pub counts: Counts,
    /// Which bundle it ran.
    pub bundle_digest: Option<[u8; 32]>,
}

/// A run.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// What is in lists.
    pub head: RunHead,
    /// The report as it came.
    pub report: Report,
}

/// Which runs are wanted: of all, the newest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunFilter {
    /// Those of one envoy.
    pub envoy: Option<EnvoyId>,
    /// Those with a lower number: the next page.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// Stores a report, unless it or a later one of its incarnation is here; `body` are its bytes as they came. None
    /// when the envoy is not known or was revoked.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is to be acknowledged. [`StoreError::Invalid`] for a number that no honest agent comes to.
    pub async fn record(
        &self,
        id: EnvoyId,
        report: &Report,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        let head = Report { resources: Vec::new(), ..report.clone() };
        self.write(body.len(), move |conn| record(conn, id, &head, &body, now)).await
    }

    /// Returns runs, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<RunHead>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let sql = "SELECT runs.*, envoys.hostname FROM runs JOIN envoys ON envoys.id = runs.envoy \
                       WHERE runs.id < ?1 AND (?2 IS NULL OR runs.envoy = ?2) ORDER BY runs.id DESC LIMIT ?3";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            let RunFilter { envoy, before, limit } = filter;
            let values = params![before.unwrap_or(i64::MAX), envoy.map(|e| e.0), limit.min(PAGE_MAX)];
            statement.query_map(values, head).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Returns the run of this number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run(&self, id: i64) -> Result<Option<Run>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let sql =
                "SELECT runs.*, envoys.hostname FROM runs JOIN envoys ON envoys.id = runs.envoy WHERE runs.id = ?";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            let both =
                |row: &Row<'_>| Ok((head(row)?, row.get::<_, Vec<u8>>("body")?, row.get::<_, Option<u32>>("sum")?));
            let Some((head, body, noted)) = statement.query_row([id], both).optional().map_err(&failed)? else {
                return Ok(None);
            };
            let damaged = |why: String| StoreError::Damaged { what: "a report", why };
            if noted.is_some_and(|noted| noted != sum(&body)) {
                return Err(damaged("its sum is another".into()));
            }
            Ok(Some(Run { head, report: Report::decode(&body).map_err(|e| damaged(e.to_string()))? }))
        })
        .await
    }

    /// Removes the runs that came before `before`, a thousand at a time so that nothing waits for it long. The last run
    /// of each envoy stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prune_runs(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let step = self.write(0, move |conn| {
                let failed = failed(conn);
                let sql = "DELETE FROM runs WHERE id IN (SELECT id FROM runs AS old WHERE received_at < ?1 AND EXISTS \
                           (SELECT 1 FROM runs WHERE envoy = old.envoy AND id > old.id) LIMIT 1000)";
                conn.prepare_cached(sql).map_err(&failed)?.execute([before.epoch_ms()]).map_err(&failed)
            });
            match step.await? {
                0 => return Ok(removed),
                some => removed += some as u64,
            }
        }
    }
}

/// Stores a report, inside a transaction.
pub(super) fn record(
    conn: &Connection,
    id: EnvoyId,
    report: &Report,
    body: &[u8],
    now: Timestamp,
) -> Result<Option<Recorded>, StoreError> {
    // What SQLite compares has a sign.
    let Ok(seq) = i64::try_from(report.seq) else {
        let expected = "less than 2^63";
        return Err(StoreError::Invalid { what: "the run's number", expected, found: report.seq.to_string() });
    };
    let Some(envoy) = envoy::get(conn, id)?.filter(|envoy| envoy.revoked_at.is_none()) else { return Ok(None) };
    let failed = failed(conn);
    let incarnation = bits(report.incarnation);
    let sql = "SELECT seq FROM incarnations WHERE envoy = ? AND incarnation = ?";
    let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
    let highest: Option<i64> =
        statement.query_row(params![id.0, incarnation], |row| row.get(0)).optional().map_err(&failed)?;
    if let Some(highest) = highest.filter(|highest| seq <= *highest) {
        let sql = "SELECT body FROM runs WHERE envoy = ? AND incarnation = ? AND seq = ?";
        let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
        let found = statement.query_row(params![id.0, incarnation, seq], |row| row.get::<_, Vec<u8>>(0));
        // A number without a report is that of a quiet run, or of one that was taken away since.
        let is_doubled = found.optional().map_err(&failed)?.map_or(envoy.cloned.is_some(), |found| found != body);
        if is_doubled {
            count_doubled(conn, id)?;
        }
        return Ok(Some(Recorded { seq: highest.cast_unsigned(), status: None, is_doubled }));
    }
    let sql = "INSERT INTO incarnations (envoy, incarnation, seq, received_at) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT DO UPDATE SET seq = ?3, received_at = ?4";
    let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
    statement.execute(params![id.0, incarnation, seq, now.epoch_ms()]).map_err(&failed)?;
    if highest.is_none() {
        let sql = "DELETE FROM incarnations WHERE envoy = ?1 AND incarnation NOT IN (SELECT incarnation \
                   FROM incarnations WHERE envoy = ?1 ORDER BY received_at DESC, incarnation = ?2 DESC LIMIT ?3)";
        let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
        statement.execute(params![id.0, incarnation, INCARNATIONS_MAX]).map_err(&failed)?;
    }
    let status = status(&envoy.status, report, now);
    let counts = status.counts;
    let sql = "INSERT INTO runs (envoy, incarnation, seq, received_at, started_at, duration_ms, outcome, observed, ok, \
               changed, failed, skipped, blocked, unknown, bundle_digest, body, sum) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let row = params![
        id.0,
        incarnation,
        seq,
        now.epoch_ms(),
        report.started_ms,
        bits(report.duration_ms),
        status.outcome,
        report.observed,
        counts.ok,
        counts.changed,
        counts.failed,
        counts.skipped,
        counts.blocked,
        counts.unknown,
        status.bundle_digest,
        body,
        sum(body)
    ];
    conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
    let sql = "DELETE FROM runs WHERE envoy = ?1 AND id <= (SELECT id FROM runs WHERE envoy = ?1 ORDER BY id DESC \
               LIMIT 1 OFFSET ?2)";
    conn.prepare_cached(sql).map_err(&failed)?.execute(params![id.0, RUNS_MAX]).map_err(&failed)?;
    set_status(conn, id, &status)?;
    let moved = envoy::get(conn, id)?.and_then(|envoy| envoy.status).filter(|found| *found == status);
    Ok(Some(Recorded { seq: report.seq, status: moved, is_doubled: false }))
}

/// Returns what a report makes of the status before it.
fn status(before: &Option<Status>, report: &Report, now: Timestamp) -> Status {
    let run = LastRun::of(report, before.as_ref().map(Status::last_run).as_ref());
    Status {
        incarnation: run.incarnation,
        seq: run.seq,
        received_at: now,
        ended_at: run.ended,
        outcome: cut(&report.outcome, OUTCOME_BYTES_MAX),
        counts: run.counts,
        changed_in_a_row: run.changed_in_a_row,
        observed: report.observed,
        bundle_digest: <[u8; 32]>::try_from(&*report.bundle_digest).ok(),
        error: cut(&report.error, ERROR_BYTES_MAX),
    }
}

fn head(row: &Row<'_>) -> rusqlite::Result<RunHead> {
    Ok(RunHead {
        id: row.get("id")?,
        envoy: envoy_id(row, "envoy")?,
        hostname: row.get("hostname")?,
        incarnation: from_bits(row, "incarnation")?,
        seq: from_bits(row, "seq")?,
        received_at: time(row, "received_at")?,
        started_at: time(row, "started_at")?,
        duration: Duration::from_ms(from_bits(row, "duration_ms")?),
        outcome: row.get("outcome")?,
        observed: row.get("observed")?,
        counts: counts(row)?,
        bundle_digest: bytes_or_none(row, "bundle_digest")?,
    })
}
