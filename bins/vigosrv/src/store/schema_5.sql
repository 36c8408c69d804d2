CREATE TABLE users (
    name TEXT PRIMARY KEY NOT NULL,
    -- Argon2id of the password, with its parameters and its salt.
    hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What a program shows instead of a password. The secret has 256 random bits: a plain hash keeps it.
CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    label TEXT NOT NULL,
    -- Whose it is: it may no more than that user, and goes with it. Null: nobody's, as a program's.
    user TEXT REFERENCES users (name) ON DELETE CASCADE,
    role TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_tokens_user ON api_tokens (user);
