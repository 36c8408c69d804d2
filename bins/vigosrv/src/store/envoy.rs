//! The envoys.

use super::audit::{self, Entry};
use super::clones::cloned;
use super::maintenance::maintenance;
use super::value::{bits, bytes, bytes_or_none, envoy_id, failed, from_bits, time, time_or_none};
use super::writer::bury;
use super::{Actor, Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use vigo_core::bundle::Maintenance;
use vigo_core::fleet::{Cloned, Health, LastRun};
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;
use vigo_core::wire::message::Counts;

/// An envoy, as it is stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Envoy {
    /// Its id.
    pub id: EnvoyId,
    /// The name that the server decided.
    pub hostname: String,
    /// The public half of its identity key.
    pub identity_key: [u8; 32],
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Its last contact.
    pub seen: Seen,
    /// Its newest run; none before the first.
    pub status: Option<Status>,
    /// It reports changes and makes none.
    pub observes: bool,
    /// Whether it leaves its machine alone; also one that is over.
    pub maintenance: Maintenance,
    /// It seems to run twice.
    pub cloned: Option<Cloned>,
    /// When the database had lost it and it was taken up again, until somebody has looked at that.
    pub adopted_at: Option<Timestamp>,
    /// How many of its reports came under the number of another one, and were thrown away.
    pub reports_doubled: u64,
}

impl Envoy {
    /// Returns one that is enrolled now.
    pub(super) fn new(
        id: EnvoyId,
        hostname: String,
        identity_key: [u8; 32],
        seen: Seen,
        enrolled_at: Timestamp,
    ) -> Self {
        Self {
            id,
            hostname,
            identity_key,
            enrolled_at,
            revoked_at: None,
            seen,
            status: None,
            observes: false,
            maintenance: Maintenance::No,
            cloned: None,
            adopted_at: None,
            reports_doubled: 0,
        }
    }
}

/// What is known of an envoy's last contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// When, by the server's clock.
    pub last_seen: Timestamp,
    /// From which address.
    pub remote: String,
    /// The agent's version.
    pub agent_version: String,
    /// The fingerprint of the machine.
    pub machine: Vec<u8>,
    /// The counter that the server advances at each check-in: the one given out last.
    pub contact: u64,
    /// How many reports the agent said to have waiting.
    pub queued: u32,
    /// The version of the key set that the agent said to have.
    pub keyset: u64,
}

/// What came of an envoy's newest run.
#[derive(Clone, PartialEq, Debug)]
pub struct Status {
    /// As in [`Report`](vigo_core::wire::message::Report).
    pub incarnation: u64,
    /// The run's number.
    pub seq: u64,
    /// When the server heard of it.
    pub received_at: Timestamp,
    /// When it ended, by the envoy's clock.
    pub ended_at: Timestamp,
    /// `converged`, `drift`, `not converged`, `fatal`.
    pub outcome: String,
    /// How many resources came to what.
    pub counts: Counts,
    /// How many runs up to this one, without a gap, changed something.
    pub changed_in_a_row: u32,
    /// Changes were reported, not made.
    pub observed: bool,
    /// Which bundle it ran; none where it said nothing of one.
    pub bundle_digest: Option<[u8; 32]>,
    /// Why there was no run; empty where there was one.
    pub error: String,
}

/// What came of a renaming.
#[derive(Clone, PartialEq, Debug)]
pub enum Renamed {
    /// The envoy, with its name.
    Done(Box<Envoy>),
    /// There is no such envoy, or it was revoked.
    Unknown,
    /// Another envoy has the name.
    Taken(EnvoyId),
}

impl Status {
    /// Returns the run as the core judges it.
    pub fn last_run(&self) -> LastRun {
        LastRun {
            incarnation: self.incarnation,
            seq: self.seq,
            ended: self.ended_at,
            health: Health::of(&self.outcome, &self.counts),
            bundle: self.bundle_digest,
            changed_in_a_row: self.changed_in_a_row,
            counts: self.counts,
        }
    }
}

impl Store {
    /// Returns all envoys, revoked ones too, by hostname.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn envoys(&self) -> Result<Vec<Envoy>, StoreError> {
        self.read(|conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("SELECT * FROM envoys ORDER BY hostname, id").map_err(&failed)?;
            statement.query_map([], row).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Returns the envoy of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn envoy(&self, id: EnvoyId) -> Result<Option<Envoy>, StoreError> {
        self.read(move |conn| get(conn, id)).await
    }

    /// Returns the envoy that has this name now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn envoy_named(&self, hostname: String) -> Result<Option<Envoy>, StoreError> {
        self.read(move |conn| named(conn, &hostname)).await
    }

    /// Revokes an envoy, for good: its id never comes back, its name is free. Returns it as it is now; none when there
    /// is no such envoy. One that was revoked already stays as it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke(&self, id: EnvoyId, by: Actor, now: Timestamp) -> Result<Option<Envoy>, StoreError> {
        let revoked = self.revoked();
        self.write(0, move |conn| {
            let Some(envoy) = get(conn, id)? else { return Ok(None) };
            if envoy.revoked_at.is_some() {
                return Ok(Some(envoy));
            }
            revoked.add(id)?;
            bury(conn, id, now)?;
            set_revoked(conn, id, now)?;
            let entry = Entry { actor: by, action: "envoy.revoke", subject: id.to_string(), detail: envoy.hostname };
            audit::append(conn, &entry, now)?;
            get(conn, id)
        })
        .await
    }
}

impl Store {
    /// Gives an envoy another name, which has been checked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rename(
        &self,
        id: EnvoyId,
        hostname: String,
        by: Actor,
        now: Timestamp,
    ) -> Result<Renamed, StoreError> {
        self.write(0, move |conn| {
            let Some(envoy) = get(conn, id)?.filter(|envoy| envoy.revoked_at.is_none()) else {
                return Ok(Renamed::Unknown);
            };
            match named(conn, &hostname)? {
                Some(holder) if holder.id == id => return Ok(Renamed::Done(Box::new(envoy))),
                Some(holder) => return Ok(Renamed::Taken(holder.id)),
                None => {}
            }
            let failed = failed(conn);
            let mut statement =
                conn.prepare_cached("UPDATE envoys SET hostname = ?2 WHERE id = ?1").map_err(&failed)?;
            statement.execute(params![id.0, hostname]).map_err(&failed)?;
            let detail = format!("from `{}` to `{hostname}`", envoy.hostname);
            let entry = Entry { actor: by, action: "envoy.rename", subject: id.to_string(), detail };
            audit::append(conn, &entry, now)?;
            Ok(Renamed::Done(Box::new(Envoy { hostname, ..envoy })))
        })
        .await
    }

    /// Takes an envoy and all that is known of it out of the database. Its id never comes back. Returns what it was; none
    /// when there is no such envoy.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, id: EnvoyId, by: Actor, now: Timestamp) -> Result<Option<Envoy>, StoreError> {
        let revoked = self.revoked();
        self.write(0, move |conn| {
            let Some(envoy) = get(conn, id)? else { return Ok(None) };
            revoked.add(id)?;
            bury(conn, id, now)?;
            let failed = failed(conn);
            // Its runs and traits go with it.
            let mut statement = conn.prepare_cached("DELETE FROM envoys WHERE id = ?").map_err(&failed)?;
            statement.execute([id.0]).map_err(&failed)?;
            let (subject, detail) = (id.to_string(), envoy.hostname.clone());
            audit::append(conn, &Entry { actor: by, action: "envoy.delete", subject, detail }, now)?;
            Ok(Some(envoy))
        })
        .await
    }
}

/// Marks an envoy as revoked, unless it is.
pub(super) fn set_revoked(conn: &Connection, id: EnvoyId, now: Timestamp) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "UPDATE envoys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    conn.prepare_cached(sql).map_err(&failed)?.execute(params![id.0, now.epoch_ms()]).map_err(&failed)?;
    Ok(())
}

/// Returns the envoy of this id.
pub(super) fn get(conn: &Connection, id: EnvoyId) -> Result<Option<Envoy>, StoreError> {
    let failed = failed(conn);
    let mut statement = conn.prepare_cached("SELECT * FROM envoys WHERE id = ?").map_err(&failed)?;
    statement.query_row([id.0], row).optional().map_err(&failed)
}

/// Returns the envoy that has this name now.
pub(super) fn named(conn: &Connection, hostname: &str) -> Result<Option<Envoy>, StoreError> {
    let failed = failed(conn);
    let sql = "SELECT * FROM envoys WHERE hostname = ? AND revoked_at IS NULL";
    conn.prepare_cached(sql).map_err(&failed)?.query_row([hostname], row).optional().map_err(&failed)
}

/// Stores a new envoy.
pub(super) fn insert(conn: &Connection, envoy: &Envoy) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "INSERT INTO envoys (id, hostname, identity_key, enrolled_at, last_seen, remote, agent_version, machine, \
               contact, queued, keyset, adopted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let Envoy { id, hostname, identity_key, enrolled_at, seen, adopted_at, .. } = envoy;
    let row = params![
        id.0,
        hostname,
        identity_key,
        enrolled_at.epoch_ms(),
        seen.last_seen.epoch_ms(),
        seen.remote,
        seen.agent_version,
        seen.machine,
        bits(seen.contact),
        seen.queued,
        bits(seen.keyset),
        adopted_at.map(Timestamp::epoch_ms)
    ];
    conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
    Ok(())
}

/// Writes an envoy's last contact.
pub(super) fn set_seen(conn: &Connection, id: EnvoyId, seen: &Seen) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "UPDATE envoys SET last_seen = ?2, remote = ?3, agent_version = ?4, machine = ?5, contact = ?6, \
               queued = ?7, keyset = ?8 WHERE id = ?1";
    let row = params![
        id.0,
        seen.last_seen.epoch_ms(),
        seen.remote,
        seen.agent_version,
        seen.machine,
        bits(seen.contact),
        seen.queued,
        bits(seen.keyset)
    ];
    conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
    Ok(())
}

/// Writes what came of a run, unless a newer one is known: of the same incarnation one with a higher number, of another
/// one that the server heard of later.
pub(super) fn set_status(conn: &Connection, id: EnvoyId, status: &Status) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "UPDATE envoys SET incarnation = ?2, seq = ?3, received_at = ?4, ended_at = ?5, outcome = ?6, ok = ?7, \
               changed = ?8, failed = ?9, skipped = ?10, blocked = ?11, unknown = ?12, changed_in_a_row = ?13, \
               observed = ?14, bundle_digest = ?15, error = ?16 WHERE id = ?1 AND (incarnation IS NULL \
               OR CASE WHEN incarnation = ?2 THEN seq < ?3 ELSE received_at <= ?4 END)";
    let Counts { ok, changed, failed: wrong, skipped, blocked, unknown } = status.counts;
    let row = params![
        id.0,
        bits(status.incarnation),
        bits(status.seq),
        status.received_at.epoch_ms(),
        status.ended_at.epoch_ms(),
        status.outcome,
        ok,
        changed,
        wrong,
        skipped,
        blocked,
        unknown,
        status.changed_in_a_row,
        status.observed,
        status.bundle_digest,
        status.error
    ];
    conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
    Ok(())
}

fn row(row: &Row<'_>) -> rusqlite::Result<Envoy> {
    Ok(Envoy {
        id: envoy_id(row, "id")?,
        hostname: row.get("hostname")?,
        identity_key: bytes(row, "identity_key")?,
        enrolled_at: time(row, "enrolled_at")?,
        revoked_at: time_or_none(row, "revoked_at")?,
        seen: Seen {
            last_seen: time(row, "last_seen")?,
            remote: row.get("remote")?,
            agent_version: row.get("agent_version")?,
            machine: row.get("machine")?,
            contact: from_bits(row, "contact")?,
            queued: row.get("queued")?,
            keyset: from_bits(row, "keyset")?,
        },
        status: match row.get::<_, Option<i64>>("incarnation")? {
            Some(_) => Some(status(row)?),
            None => None,
        },
        observes: row.get("observes")?,
        maintenance: maintenance(row)?,
        cloned: cloned(row)?,
        adopted_at: time_or_none(row, "adopted_at")?,
        reports_doubled: from_bits(row, "reports_doubled")?,
    })
}

fn status(row: &Row<'_>) -> rusqlite::Result<Status> {
    Ok(Status {
        incarnation: from_bits(row, "incarnation")?,
        seq: from_bits(row, "seq")?,
        received_at: time(row, "received_at")?,
        ended_at: time(row, "ended_at")?,
        outcome: row.get("outcome")?,
        counts: counts(row)?,
        changed_in_a_row: row.get("changed_in_a_row")?,
        observed: row.get("observed")?,
        bundle_digest: bytes_or_none(row, "bundle_digest")?,
        error: row.get("error")?,
    })
}

/// Returns the numbers of outcomes in a row.
pub(super) fn counts(row: &Row<'_>) -> rusqlite::Result<Counts> {
    Ok(Counts {
        ok: row.get("ok")?,
        changed: row.get("changed")?,
        failed: row.get("failed")?,
        skipped: row.get("skipped")?,
        blocked: row.get("blocked")?,
        unknown: row.get("unknown")?,
    })
}
