-- What traits were before, and after: JSON; null where there were none. What a machine measures anew each time is not here.
CREATE TABLE trait_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    envoy BLOB NOT NULL REFERENCES envoys (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    path TEXT NOT NULL,
    before TEXT,
    after TEXT
) STRICT;
CREATE INDEX trait_changes_envoy ON trait_changes (envoy, id);
CREATE INDEX trait_changes_at ON trait_changes (at);
