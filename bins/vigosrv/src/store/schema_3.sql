-- What envoys are to do once: those that were given it together, and what came of it with each.
CREATE TABLE pushes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    issued_at INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    issued_by TEXT NOT NULL
) STRICT;

CREATE TABLE orders (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    push INTEGER NOT NULL REFERENCES pushes (id) ON DELETE CASCADE,
    envoy BLOB NOT NULL REFERENCES envoys (id) ON DELETE CASCADE,
    -- What the envoy has answered; null before.
    answered_at INTEGER,
    outcome TEXT,
    detail TEXT,
    incarnation INTEGER,
    seq INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_push ON orders (push);
CREATE INDEX orders_envoy ON orders (envoy);
CREATE INDEX orders_open ON orders (push) WHERE answered_at IS NULL;
