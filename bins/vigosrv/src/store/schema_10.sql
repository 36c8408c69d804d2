-- A disk that changes a byte inside of a row breaks no rule of a page. What the server decides by stands a second time in an
-- index: `integrity_check` compares the two.
CREATE INDEX envoys_whole
    ON envoys (id, hostname, identity_key, enrolled_at, revoked_at, observes, maintenance, maintenance_until);
CREATE INDEX tokens_whole ON tokens (hash, match, uses_left, expires_at, replaces, created_at);
CREATE INDEX trusted_whole ON trusted (match, source, until);
CREATE INDEX users_whole ON users (hash, role);
CREATE INDEX api_tokens_whole ON api_tokens (hash, user, role, expires_at);
CREATE INDEX freeze_whole ON freeze (by, at, until, reason);
CREATE INDEX pushes_whole ON pushes (kind, body, issued_at, not_after, issued_by);
CREATE INDEX publishes_whole ON publishes (author, at, restores);
CREATE INDEX tombstones_whole ON tombstones (at);
-- What is too long for that has a sum: CRC-32 of `body`, and of `json`. Null: an earlier version wrote it.
ALTER TABLE runs ADD COLUMN sum INTEGER;
ALTER TABLE traits ADD COLUMN sum INTEGER;
