-- Times are milliseconds since 1970 by the server's clock, where nothing else is said. Numbers that the wire has as 64
-- bits without a sign are kept as the same bits.

CREATE TABLE envoys (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    hostname TEXT NOT NULL,
    identity_key BLOB NOT NULL CHECK (length(identity_key) = 32),
    enrolled_at INTEGER NOT NULL,
    revoked_at INTEGER,
    -- The last contact.
    last_seen INTEGER NOT NULL,
    remote TEXT NOT NULL,
    agent_version TEXT NOT NULL,
    machine BLOB NOT NULL,
    contact INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    -- The newest run; null before the first.
    incarnation INTEGER,
    seq INTEGER,
    received_at INTEGER,
    ended_at INTEGER,
    outcome TEXT,
    ok INTEGER, changed INTEGER, failed INTEGER, skipped INTEGER, blocked INTEGER, unknown INTEGER,
    changed_in_a_row INTEGER,
    observed INTEGER,
    bundle_digest BLOB,
    error TEXT
) STRICT;

-- A name is one envoy's; those that were revoked have lost it.
CREATE UNIQUE INDEX envoys_hostname ON envoys (hostname) WHERE revoked_at IS NULL;

-- Up to which run of an agent's database the reports are here.
CREATE TABLE incarnations (
    envoy BLOB NOT NULL REFERENCES envoys (id) ON DELETE CASCADE,
    incarnation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (envoy, incarnation)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    envoy BLOB NOT NULL REFERENCES envoys (id) ON DELETE CASCADE,
    incarnation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    observed INTEGER NOT NULL,
    ok INTEGER NOT NULL, changed INTEGER NOT NULL, failed INTEGER NOT NULL,
    skipped INTEGER NOT NULL, blocked INTEGER NOT NULL, unknown INTEGER NOT NULL,
    bundle_digest BLOB,
    -- The report as it came: the message of the wire.
    body BLOB NOT NULL,
    UNIQUE (envoy, incarnation, seq)
) STRICT;
CREATE INDEX runs_envoy ON runs (envoy, id);
CREATE INDEX runs_received ON runs (received_at);

CREATE TABLE traits (
    envoy BLOB PRIMARY KEY NOT NULL REFERENCES envoys (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    json TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY NOT NULL,
    hash TEXT NOT NULL,
    match TEXT NOT NULL,
    uses_left INTEGER NOT NULL CHECK (uses_left >= 0),
    expires_at INTEGER NOT NULL,
    replaces INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trusted (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    match TEXT NOT NULL,
    source TEXT NOT NULL,
    until INTEGER,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT;

CREATE TABLE publishes (
    id INTEGER PRIMARY KEY NOT NULL,
    author TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- The publish whose policy this one brought back.
    restores INTEGER
) STRICT;

-- Each row's hash covers the one before: what is changed later shows.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
