//! The people who may ask the server something from elsewhere.

use super::audit::{self, Entry};
use super::value::{failed, time};
use super::{Actor, Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::fmt;
use vigo_core::server::Role;
use vigo_core::time::Timestamp;

/// A user.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// Argon2id of the password.
    pub hash: String,
    /// What the user may.
    pub role: Role,
    /// When the user was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({}, {})", self.name, self.role)
    }
}

impl Store {
    /// Adds a user, whose name and password have been looked at; false when there is one of that name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_user(
        &self,
        name: String,
        hash: String,
        role: Role,
        by: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "INSERT INTO users (name, hash, role, created_at, created_by) VALUES (?, ?, ?, ?, ?) \
                       ON CONFLICT DO NOTHING";
            let row = params![name, hash, role.word(), now.epoch_ms(), by.to_string()];
            if conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)? == 0 {
                return Ok(false);
            }
            let entry = Entry { actor: by, action: "user.add", subject: name, detail: format!("as {role}") };
            audit::append(conn, &entry, now)?;
            Ok(true)
        })
        .await
    }

    /// Returns the user of this name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn user(&self, name: String) -> Result<Option<User>, StoreError> {
        self.read(move |conn| get(conn, &name)).await
    }

    /// Returns all users, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read(|conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("SELECT * FROM users ORDER BY name").map_err(&failed)?;
            statement.query_map([], row).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Gives a user another password, and takes the tokens that the old one has brought away; false when there is no such
    /// user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_password(
        &self,
        name: String,
        hash: String,
        by: Actor,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "UPDATE users SET hash = ?2 WHERE name = ?1";
            if conn.prepare_cached(sql).map_err(&failed)?.execute([&name, &hash]).map_err(&failed)? == 0 {
                return Ok(false);
            }
            let mut statement = conn.prepare_cached("DELETE FROM api_tokens WHERE user = ?").map_err(&failed)?;
            let tokens = statement.execute([&name]).map_err(&failed)?;
            let detail = format!("{tokens} tokens of it are good no more");
            audit::append(conn, &Entry { actor: by, action: "user.password", subject: name, detail }, now)?;
            Ok(true)
        })
        .await
    }

    /// Gives a user another role, at once; false when there is no such user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_role(&self, name: String, role: Role, by: Actor, now: Timestamp) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let sql = "UPDATE users SET role = ?2 WHERE name = ?1";
            if conn.prepare_cached(sql).map_err(&failed)?.execute([&*name, role.word()]).map_err(&failed)? == 0 {
                return Ok(false);
            }
            let entry = Entry { actor: by, action: "user.role", subject: name, detail: format!("{role}") };
            audit::append(conn, &entry, now)?;
            Ok(true)
        })
        .await
    }

    /// Removes a user and the user's tokens; false when there is no such user.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remove_user(&self, name: String, by: Actor, now: Timestamp) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("DELETE FROM users WHERE name = ?").map_err(&failed)?;
            if statement.execute([&name]).map_err(&failed)? == 0 {
                return Ok(false);
            }
            let entry = Entry { actor: by, action: "user.remove", subject: name, detail: String::new() };
            audit::append(conn, &entry, now)?;
            Ok(true)
        })
        .await
    }
}

/// Returns the role in a column.
pub(super) fn role(row: &Row<'_>, column: &str) -> rusqlite::Result<Role> {
    let word: String = row.get(column)?;
    // What is none any more may as little as possible.
    Ok(word.parse().unwrap_or(Role::Viewer))
}

fn get(conn: &Connection, name: &str) -> Result<Option<User>, StoreError> {
    let failed = failed(conn);
    let mut statement = conn.prepare_cached("SELECT * FROM users WHERE name = ?").map_err(&failed)?;
    statement.query_row([name], row).optional().map_err(&failed)
}

fn row(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        name: row.get("name")?,
        hash: row.get("hash")?,
        role: role(row, "role")?,
        created_at: time(row, "created_at")?,
        created_by: row.get("created_by")?,
    })
}
