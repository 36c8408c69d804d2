//! What a program shows instead of a password.

use super::audit::{self, Entry};
use super::user::role;
use super::value::{failed, time, time_or_none};
use super::{Actor, Store, StoreError};
use rusqlite::{OptionalExtension as _, Row, params};
use vigo_core::server::Role;
use vigo_core::time::Timestamp;

/// A token, as it is stored: without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiToken {
    /// By which it is found.
    pub id: String,
    /// SHA-256 of the whole text.
    pub hash: [u8; 32],
    /// What it is for.
    pub label: String,
    /// Whose it is; none is nobody's.
    pub user: Option<String>,
    /// What it may: no more than its user may now.
    pub role: Role,
    /// Until when it is good; none is for ever.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// What a token may at most, and what its user may.
const SQL: &str =
    "SELECT api_tokens.*, users.role AS user_role FROM api_tokens LEFT JOIN users ON users.name = api_tokens.user";

impl ApiToken {
    /// Returns whether it is good at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl Store {
    /// Stores a token; false when its user is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_api_token(&self, token: ApiToken, by: Actor) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "INSERT INTO api_tokens (id, hash, label, user, role, expires_at, created_at, created_by) \
                       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 \
                       WHERE ?4 IS NULL OR EXISTS (SELECT 1 FROM users WHERE name = ?4)";
            let ApiToken { id, hash, label, user, role, expires_at, created_at, created_by } = token;
            let (end, at) = (expires_at.map(Timestamp::epoch_ms), created_at.epoch_ms());
            let row = params![id, hash, label, user, role.word(), end, at, created_by];
            if conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)? == 0 {
                return Ok(false);
            }
            let whose = user.map_or_else(|| "nobody".into(), |user| format!("`{user}`"));
            let detail = format!("`{label}`, of {whose}, as {role}");
            let entry = Entry { actor: by, action: "auth.token-create", subject: id, detail };
            audit::append(conn, &entry, created_at)?;
            Ok(true)
        })
        .await
    }

    /// Returns the token of this id, with the role that it has by its user's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_token(&self, id: String) -> Result<Option<ApiToken>, StoreError> {
        self.read(move |conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached(&format!("{SQL} WHERE id = ?")).map_err(&failed)?;
            statement.query_row([id], row).optional().map_err(&failed)
        })
        .await
    }

    /// Returns all tokens, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.read(|conn| {
            let failed = failed(conn);
            let sql = format!("{SQL} ORDER BY api_tokens.created_at DESC, id");
            let mut statement = conn.prepare_cached(&sql).map_err(&failed)?;
            statement.query_map([], row).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Removes a token; false when there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_api_token(&self, id: String, by: Actor, now: Timestamp) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("DELETE FROM api_tokens WHERE id = ?").map_err(&failed)?;
            if statement.execute([&id]).map_err(&failed)? == 0 {
                return Ok(false);
            }
            let entry = Entry { actor: by, action: "auth.token-revoke", subject: id, detail: String::new() };
            audit::append(conn, &entry, now)?;
            Ok(true)
        })
        .await
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<ApiToken> {
    let own = role(row, "role")?;
    let users = row.get::<_, Option<String>>("user_role")?.map(|_| role(row, "user_role")).transpose()?;
    Ok(ApiToken {
        id: row.get("id")?,
        hash: row.get("hash")?,
        label: row.get("label")?,
        user: row.get("user")?,
        role: users.map_or(own, |users| own.min(users)),
        expires_at: time_or_none(row, "expires_at")?,
        created_at: time(row, "created_at")?,
        created_by: row.get("created_by")?,
    })
}
