//! Tokens: what admits a machine to the fleet.

use super::audit::{self, Entry};
use super::value::{failed, time};
use super::{Actor, Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::fmt;
use vigo_core::entropy::Entropy;
use vigo_core::glob::Glob;
use vigo_core::server::{TokenRecord, TokenText};
use vigo_core::time::Timestamp;

/// What bcrypt's work is raised to: 2^8 rounds. The secret has 256 random bits, which no work makes harder to guess.
const COST: u32 = 8;

/// A token, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// By which it is found.
    pub id: String,
    /// Bcrypt of the secret.
    pub hash: String,
    /// The glob of the names that it admits.
    pub match_glob: String,
    /// How many more machines it admits.
    pub uses_left: u32,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// It takes a name from the envoy that has it.
    pub replaces: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// What a token is made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewToken {
    /// As in [`Token`]; it has been parsed.
    pub match_glob: String,
    /// How many machines it admits.
    pub uses: u32,
    /// As in [`Token`].
    pub expires_at: Timestamp,
    /// As in [`Token`].
    pub replaces: bool,
}

/// A token could not be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("make a token: {why}")]
pub struct TokenError {
    /// What the system or bcrypt said.
    why: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} for `{}`, {} left, until {})", self.id, self.match_glob, self.uses_left, self.expires_at)
    }
}

impl Token {
    /// Returns the token of a text, which `hash` was made of.
    pub(super) fn new(text: &TokenText, hash: String, new: NewToken, by: &Actor, now: Timestamp) -> Self {
        Self {
            id: text.id().into(),
            hash,
            match_glob: new.match_glob,
            uses_left: new.uses,
            expires_at: new.expires_at,
            replaces: new.replaces,
            created_at: now,
            created_by: by.to_string(),
        }
    }

    /// Returns the token as the core decides about it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when its glob is none any more.
    pub fn record(&self) -> Result<TokenRecord, StoreError> {
        let damaged = |e| StoreError::Damaged { what: "a token's glob", why: format!("{e}") };
        Ok(TokenRecord {
            id: self.id.clone(),
            pattern: Glob::parse(&self.match_glob).map_err(damaged)?,
            uses_left: self.uses_left,
            expires: self.expires_at,
            replaces: self.replaces,
        })
    }
}

/// Returns whether `hash` is that of the secret in `text`. Takes some 20 ms of a processor: once an attempt, apart from
/// the threads that answer.
pub fn is_of(text: &TokenText, hash: &str) -> bool {
    bcrypt::verify(text.secret(), hash).unwrap_or(false)
}

/// Returns a hash of nothing anybody has, to hold a secret against that has no record: the time then does not tell
/// whether there is one.
///
/// # Errors
/// [`TokenError`].
pub fn decoy() -> Result<String, TokenError> {
    make_token().map(|(_, hash)| hash)
}

/// Makes a token of the system's random bytes: the text to show once, and the hash to store. Takes some 20 ms of a
/// processor.
///
/// # Errors
/// [`TokenError`].
pub fn make_token() -> Result<(TokenText, String), TokenError> {
    let entropy = || {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| TokenError { why: e.to_string() })?;
        Ok(Entropy::new(bytes))
    };
    let text = TokenText::new(entropy()?, entropy()?);
    let hash = bcrypt::hash(text.secret(), COST).map_err(|e| TokenError { why: e.to_string() })?;
    Ok((text, hash))
}

impl Store {
    /// Stores a token, whose hash was made of `text` before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_token(
        &self,
        text: &TokenText,
        hash: String,
        new: NewToken,
        by: Actor,
        now: Timestamp,
    ) -> Result<Token, StoreError> {
        let token = Token::new(text, hash, new, &by, now);
        self.write(0, move |conn| {
            insert(conn, &token, by, now)?;
            Ok(token)
        })
        .await
    }

    /// Returns the token of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn token(&self, id: String) -> Result<Option<Token>, StoreError> {
        self.read(move |conn| get(conn, &id)).await
    }

    /// Returns all tokens, those that are used up or expired too; the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read(|conn| {
            let failed = failed(conn);
            let sql = "SELECT * FROM tokens ORDER BY created_at DESC, id";
            let mut statement = conn.prepare_cached(sql).map_err(&failed)?;
            statement.query_map([], row).map_err(&failed)?.collect::<Result<_, _>>().map_err(&failed)
        })
        .await
    }

    /// Removes a token; false when there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_token(&self, id: String, by: Actor, now: Timestamp) -> Result<bool, StoreError> {
        self.write(0, move |conn| {
            let failed = failed(conn);
            let mut statement = conn.prepare_cached("DELETE FROM tokens WHERE id = ?").map_err(&failed)?;
            if statement.execute([&id]).map_err(&failed)? == 0 {
                return Ok(false);
            }
            let entry = Entry { actor: by, action: "token.revoke", subject: id, detail: String::new() };
            audit::append(conn, &entry, now)?;
            Ok(true)
        })
        .await
    }
}

/// Stores a token, with its line in the audit.
pub(super) fn insert(conn: &Connection, token: &Token, by: Actor, now: Timestamp) -> Result<(), StoreError> {
    let failed = failed(conn);
    let sql = "INSERT INTO tokens (id, hash, match, uses_left, expires_at, replaces, created_at, created_by) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let row = params![
        token.id,
        token.hash,
        token.match_glob,
        token.uses_left,
        token.expires_at.epoch_ms(),
        token.replaces,
        now.epoch_ms(),
        token.created_by
    ];
    conn.prepare_cached(sql).map_err(&failed)?.execute(row).map_err(&failed)?;
    let detail = format!("for `{}`, {} uses, until {}", token.match_glob, token.uses_left, token.expires_at);
    let entry = Entry { actor: by, action: "token.create", subject: token.id.clone(), detail };
    audit::append(conn, &entry, now)?;
    Ok(())
}

/// Returns the token of this id.
pub(super) fn get(conn: &Connection, id: &str) -> Result<Option<Token>, StoreError> {
    let failed = failed(conn);
    let mut statement = conn.prepare_cached("SELECT * FROM tokens WHERE id = ?").map_err(&failed)?;
    statement.query_row([id], row).optional().map_err(&failed)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        id: row.get("id")?,
        hash: row.get("hash")?,
        match_glob: row.get("match")?,
        uses_left: row.get("uses_left")?,
        expires_at: time(row, "expires_at")?,
        replaces: row.get("replaces")?,
        created_at: time(row, "created_at")?,
        created_by: row.get("created_by")?,
    })
}
