//! A database that went back: what it has of the past counts no more.

use super::audit::{self, Entry};
use super::value::{failed, time, time_or_none};
use super::{Actor, Store, StoreError};
use rusqlite::{Connection, Row, params};
use vigo_core::server::WentBack;
use vigo_core::time::Timestamp;

/// Rows that are shown.
const SHOWN_MAX: u32 = 100;

/// How many things were made void.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Voided {
    /// Tokens that would still have admitted machines.
    pub tokens: u32,
    /// Tokens of the API, logins among them.
    pub api_tokens: u32,
    /// Orders that had no answer.
    pub orders: u32,
}

/// A time that the database was found to have gone back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restore {
    /// Its number.
    pub id: i64,
    /// When it was found.
    pub at: Timestamp,
    /// How, a stable word: [`WentBackBy::word`](vigo_core::server::WentBackBy::word).
    pub how: String,
    /// The same for people.
    pub detail: String,
    /// The end of what the database had.
    pub lost_from: Timestamp,
    /// Until when there was more.
    pub lost_to: Timestamp,
    /// What was made void.
    pub voided: Voided,
    /// The names of the classes whose envoys have applied newer values of secrets than there are.
    pub older_secrets: Vec<String>,
    /// When somebody has looked at it, and who.
    pub reviewed: Option<(Timestamp, String)>,
}

impl Store {
    /// Takes that the database went back, which was found while it is open: what is in it of the time before it was opened
    /// is void.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn went_back(&self, went_back: WentBack, now: Timestamp) -> Result<Voided, StoreError> {
        let newest = self.newest();
        self.write(0, move |conn| void_past(conn, &went_back, newest, now)).await
    }

    /// Returns when the database was found to have gone back, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn restores(&self) -> Result<Vec<Restore>, StoreError> {
        self.read(|conn| {
            let failed = failed(conn);
            let sql = "SELECT * FROM restores ORDER BY id DESC LIMIT ?";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            statement.query_map([SHOWN_MAX], row).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Notes with the newest restore, if nobody has looked at it yet, that envoys of a class have applied newer values of
    /// secrets than there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn secrets_went_back(&self, class: String) -> Result<(), StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "UPDATE restores SET older_secrets = json_insert(older_secrets, '$[#]', ?1) \
                       WHERE id = (SELECT max(id) FROM restores) AND reviewed_at IS NULL \
                       AND NOT EXISTS (SELECT 1 FROM json_each(older_secrets) WHERE value = ?1)";
            conn.prepare_cached(sql).map_err(&failed)?.execute([class]).map_err(&failed)?;
            Ok(())
        })
        .await
    }

    /// Takes that somebody has looked at what is lost, and at the envoys that were adopted. False where there was nothing to
    /// look at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn review_restores(&self, by: Actor, now: Timestamp) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "UPDATE restores SET reviewed_at = ?1, reviewed_by = ?2 WHERE reviewed_at IS NULL";
            let values = params![now.epoch_ms(), by.to_string()];
            let restores = conn.prepare_cached(sql).map_err(&failed)?.execute(values).map_err(&failed)?;
            let sql = "UPDATE envoys SET adopted_at = NULL WHERE adopted_at IS NOT NULL";
            let adopted = conn.prepare_cached(sql).map_err(&failed)?.execute([]).map_err(&failed)?;
            if restores == 0 && adopted == 0 {
                return Ok(false);
            }
            let detail = format!("{restores} restores, {adopted} adopted envoys");
            let entry = Entry { actor: by, action: "restored.review", subject: String::new(), detail };
            audit::append(conn, &entry, now)?;
            Ok(true)
        })
        .await
    }
}

/// Makes void what is in the database of up to `until`: tokens that were perhaps used up since, tokens of the API and logins
/// that were perhaps withdrawn, orders that were perhaps carried out. It is noted and audited.
pub(super) fn void_past(
    conn: &Connection,
    went_back: &WentBack,
    until: Timestamp,
    now: Timestamp,
) -> Result<Voided, StoreError> {
    let failed = failed(conn);
    let until = until.epoch_ms();
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        let done = conn.prepare_cached(sql).map_err(&failed)?.execute(values).map_err(&failed)?;
        Ok::<_, StoreError>(u32::try_from(done).unwrap_or(u32::MAX))
    };
    let tokens = run("UPDATE tokens SET uses_left = 0 WHERE uses_left > 0 AND created_at <= ?", &[&until])?;
    let api_tokens = run("DELETE FROM api_tokens WHERE created_at <= ?", &[&until])?;
    let orders = run(
        "UPDATE orders SET answered_at = ?2, outcome = 'void', \
         detail = 'the database was put back to an earlier state after it was given' \
         WHERE answered_at IS NULL AND push IN (SELECT id FROM pushes WHERE issued_at <= ?1)",
        &[&until, &now.epoch_ms()],
    )?;
    let (how, detail) = (went_back.by.word(), went_back.by.to_string());
    run(
        "INSERT INTO restores (at, how, detail, lost_from, lost_to, tokens, api_tokens, orders) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            &now.epoch_ms(),
            &how,
            &detail,
            &went_back.from.epoch_ms(),
            &went_back.to.epoch_ms(),
            &tokens,
            &api_tokens,
            &orders,
        ],
    )?;
    let detail = format!(
        "{detail}; what was done from {} to {} is lost; void: {tokens} tokens, {api_tokens} tokens of the API, {orders} \
         orders",
        went_back.from, went_back.to
    );
    audit::append(conn, &Entry { actor: Actor::Server, action: "restored", subject: how.into(), detail }, now)?;
    Ok(Voided { tokens, api_tokens, orders })
}

fn row(row: &Row<'_>) -> rusqlite::Result<Restore> {
    let reviewed = match time_or_none(row, "reviewed_at")? {
        Some(at) => Some((at, row.get("reviewed_by")?)),
        None => None,
    };
    Ok(Restore {
        id: row.get("id")?,
        at: time(row, "at")?,
        how: row.get("how")?,
        detail: row.get("detail")?,
        lost_from: time(row, "lost_from")?,
        lost_to: time(row, "lost_to")?,
        voided: Voided { tokens: row.get("tokens")?, api_tokens: row.get("api_tokens")?, orders: row.get("orders")? },
        older_secrets: serde_json::from_str(&row.get::<_, String>("older_secrets")?).unwrap_or_default(),
        reviewed,
    })
}
