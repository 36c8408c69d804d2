//! Who did what, each row bound to the one before.

use super::value::{bytes, cut, failed, time};
use super::{Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::net::SocketAddr;
use vigo_core::id::EnvoyId;
use vigo_core::time::Timestamp;

/// Bytes of a text in a row: what comes from outside is cut to it.
const TEXT_BYTES_MAX: usize = 1024;

/// Rows of one page.
const PAGE_MAX: u32 = 1000;

/// Whose doing something is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Actor {
    /// The server's own.
    Server,
    /// A user of the server's machine, through the socket.
    Local(u32),
    /// A user of the API.
    User(String),
    /// A token of the API that is no user's, by its id.
    ApiToken(String),
    /// An envoy.
    Envoy(EnvoyId),
    /// A machine that is no envoy.
    Machine(SocketAddr),
}

/// What is to be remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Whose doing it is.
    pub actor: Actor,
    /// What was done, a stable word: `token.create`.
    pub action: &'static str,
    /// To what.
    pub subject: String,
    /// What else there is to say.
    pub detail: String,
}

/// An [`Entry`] as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRow {
    /// Its number, without gaps from 1.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// [`Entry::actor`], printed.
    pub actor: String,
    /// [`Entry::action`].
    pub action: String,
    /// [`Entry::subject`].
    pub subject: String,
    /// [`Entry::detail`].
    pub detail: String,
    /// SHA-256 of this row and the hash before.
    pub hash: [u8; 32],
}

/// What a look at the whole chain found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verified {
    /// All rows are as they were written: how many, and the hash of the last.
    Whole {
        /// How many rows there are.
        rows: i64,
        /// The hash of the last; zeros where there is none.
        head: [u8; 32],
    },
    /// This row is not what was written, or one is missing before it.
    Broken {
        /// Its number.
        id: i64,
    },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("server"),
            Self::Local(uid) => write!(f, "local:{uid}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::ApiToken(id) => write!(f, "token:{id}"),
            Self::Envoy(id) => write!(f, "envoy:{id}"),
            Self::Machine(address) => write!(f, "machine:{}", address.ip()),
        }
    }
}

impl Store {
    /// Writes an entry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit(&self, entry: Entry, now: Timestamp) -> Result<(), StoreError> {
        self.write(entry.detail.len(), move |conn| append(conn, &entry, now)).await
    }

    /// Returns the newest rows before number `before`, newest first; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit_rows(&self, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let sql = "SELECT * FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            let rows = statement.query_map(params![before.unwrap_or(i64::MAX), limit.min(PAGE_MAX)], row);
            rows.map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Looks whether every row is as it was written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_audit(&self) -> Result<Verified, StoreError> {
        self.read(|conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("SELECT * FROM audit ORDER BY id").map_err(&failed)?;
            let mut before = (0, [0; 32]);
            for found in statement.query_map([], row).map_err(&failed)? {
                let found = found.map_err(&failed)?;
                if found.id != before.0 + 1 || hash(&before.1, &found) != found.hash {
                    return Ok(Verified::Broken { id: found.id });
                }
                before = (found.id, found.hash);
            }
            Ok(Verified::Whole { rows: before.0, head: before.1 })
        })
        .await
    }
}

/// Returns number, hash and time of the newest row, if there is one.
pub(super) fn head(conn: &Connection) -> Result<Option<(i64, [u8; 32], Timestamp)>, StoreError> {
    let failed = failed(conn);
    let sql = "SELECT id, hash, at FROM audit ORDER BY id DESC LIMIT 1";
    let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
    let head = statement.query_row([], |row| Ok((row.get("id")?, bytes(row, "hash")?, time(row, "at")?)));
    head.optional().map_err(&failed)
}

/// Returns the hash of the row of this number, if there is one.
pub(super) fn hash_of(conn: &Connection, id: i64) -> Result<Option<[u8; 32]>, StoreError> {
    let failed = failed(conn);
    let mut statement = conn.prepare_cached("SELECT hash FROM audit WHERE id = ?").map_err(&failed)?;
    statement.query_row([id], |row| bytes(row, "hash")).optional().map_err(&failed)
}

/// Appends an entry to the chain, inside the transaction of what it tells of.
pub(super) fn append(conn: &Connection, entry: &Entry, now: Timestamp) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1";
    let last = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?));
    let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
    let (id, before) = statement.query_row([], last).optional().map_err(&failed)?.unwrap_or_default();
    let mut new = AuditRow {
        id: id + 1,
        at: now,
        actor: entry.actor.to_string(),
        action: entry.action.into(),
        subject: cut(&entry.subject, TEXT_BYTES_MAX),
        detail: cut(&entry.detail, TEXT_BYTES_MAX),
        hash: [0; 32],
    };
    new.hash = hash(&before, &new);
    let sql = "INSERT INTO audit (id, at, actor, action, subject, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
    let row = params![new.id, now.epoch_ms(), new.actor, new.action, new.subject, new.detail, new.hash];
    statement.execute(row).map_err(&failed)?;
    Ok(())
}

/// Returns the hash of `row` behind a row with the hash `before`. Each text stands behind its length: none can take
/// something of its neighbour's.
fn hash(before: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(b"vigo audit v1\0").chain_update(before);
    hash.update(row.id.to_be_bytes());
    hash.update(row.at.epoch_ms().to_be_bytes());
    for text in [&row.actor, &row.action, &row.subject, &row.detail] {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

fn row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        id: row.get("id")?,
        at: time(row, "at")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        detail: row.get("detail")?,
        hash: bytes(row, "hash")?,
    })
}
