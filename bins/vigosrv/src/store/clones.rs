//! Envoys that seem to run twice.

use super::audit::{self, Entry};
use super::envoy::{get, set_revoked};
use super::token::{self, NewToken};
use super::value::{failed, time_or_none};
use super::writer::bury;
use super::{Actor, Envoy, Store, StoreError, Token};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};
use std::net::IpAddr;
use vigo_core::fleet::Cloned;
use vigo_core::id::EnvoyId;
use vigo_core::server::TokenText;
use vigo_core::time::Timestamp;

impl Store {
    /// Marks an envoy that seems to run twice. One that is marked keeps its mark, and is not audited again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mark_cloned(&self, id: EnvoyId, cloned: Cloned) -> Result<(), StoreError> {
        self.write(0, move |conn| {
            let Some(envoy) = get(conn, id)?.filter(|e| e.revoked_at.is_none() && e.cloned.is_none()) else {
                return Ok(());
            };
            set_cloned(conn, id, Some(cloned))?;
            let [first, second] = cloned.from;
            let detail = format!("`{}` runs twice: at {first} and at {second}", envoy.hostname);
            let entry = Entry { actor: Actor::Server, action: "envoy.cloned", subject: id.to_string(), detail };
            audit::append(conn, &entry, cloned.at)?;
            Ok(())
        })
        .await
    }

    /// Takes the mark from an envoy. Returns the envoy as it is now; none when no envoy of that id is marked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dismiss_clone(&self, id: EnvoyId, by: Actor, now: Timestamp) -> Result<Option<Envoy>, StoreError> {
        self.write(0, move |conn| {
            let Some(envoy) = get(conn, id)?.filter(|e| e.revoked_at.is_none() && e.cloned.is_some()) else {
                return Ok(None);
            };
            set_cloned(conn, id, None)?;
            let (subject, detail) = (id.to_string(), envoy.hostname);
            audit::append(conn, &Entry { actor: by, action: "envoy.dismiss-clone", subject, detail }, now)?;
            get(conn, id)
        })
        .await
    }

    /// Revokes an envoy, for good, and stores a token for its name: both or neither. Returns the envoy as it is now, and
    /// the token; none when there is no such envoy that is not revoked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rebootstrap(
        &self,
        id: EnvoyId,
        (text, hash): (&TokenText, String),
        new: NewToken,
        by: Actor,
        now: Timestamp,
    ) -> Result<Option<(Envoy, Token)>, StoreError> {
        let revoked = self.revoked();
        let token = Token::new(text, hash, new, &by, now);
        self.write(0, move |conn| {
            let Some(envoy) = get(conn, id)?.filter(|envoy| envoy.revoked_at.is_none()) else { return Ok(None) };
            token::insert(conn, &token, by.clone(), now)?;
            let detail = format!("`{}`, to be enrolled by token `{}`", envoy.hostname, token.id);
            let entry = Entry { actor: by, action: "envoy.rebootstrap", subject: id.to_string(), detail };
            audit::append(conn, &entry, now)?;
            // The last that fails for a reason of its own: the file is not rolled back.
            set_revoked(conn, id, now)?;
            bury(conn, id, now)?;
            revoked.add(id)?;
            Ok(get(conn, id)?.map(|envoy| (envoy, token)))
        })
        .await
    }
}

/// Counts a report that is thrown away because another one had its number.
pub(super) fn count_doubled(conn: &Connection, id: EnvoyId) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "UPDATE envoys SET reports_doubled = reports_doubled + 1 WHERE id = ?";
    conn.prepare_cached(sql).map_err(&failed)?.execute([id.0]).map_err(&failed)?;
    Ok(())
}

fn set_cloned(conn: &Connection, id: EnvoyId, cloned: Option<Cloned>) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "UPDATE envoys SET cloned_at = ?2, cloned_first = ?3, cloned_second = ?4 WHERE id = ?1";
    let [first, second] = cloned.map_or([None, None], |cloned| cloned.from.map(|from| Some(from.to_string())));
    let row = params![id.0, cloned.map(|cloned| cloned.at.epoch_ms()), first, second];
    conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
    Ok(())
}

/// Returns the mark in a row.
pub(super) fn cloned(row: &Row<'_>) -> rusqlite::Result<Option<Cloned>> {
    let Some(at) = time_or_none(row, "cloned_at")? else { return Ok(None) };
    Ok(Some(Cloned { from: [address(row, "cloned_first")?, address(row, "cloned_second")?], at }))
}

fn address(row: &Row<'_>, column: &str) -> rusqlite::Result<IpAddr> {
    let text: String = row.get(column)?;
    let at = row.as_ref().column_index(column)?;
    text.parse().map_err(|e| rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(e)))
}
