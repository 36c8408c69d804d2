-- Ids that never come back, as in the file beside the keys: whichever of the two went back gets them from the other.
CREATE TABLE tombstones (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tombstones (id, at) SELECT id, revoked_at FROM envoys WHERE revoked_at IS NOT NULL;

-- Which program brought the database to which version.
CREATE TABLE programs (
    version INTEGER PRIMARY KEY NOT NULL,
    program TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Each time that the database was older than what the server had done: it was put back to an earlier state.
CREATE TABLE restores (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    -- How that was found, and in words.
    how TEXT NOT NULL,
    detail TEXT NOT NULL,
    -- What was done between these is lost.
    lost_from INTEGER NOT NULL,
    lost_to INTEGER NOT NULL,
    -- How many of each were made void.
    tokens INTEGER NOT NULL,
    api_tokens INTEGER NOT NULL,
    orders INTEGER NOT NULL,
    -- Classes whose envoys have applied newer values of secrets than there are: JSON, an array of names.
    older_secrets TEXT NOT NULL DEFAULT '[]',
    -- Null until somebody has looked at it.
    reviewed_at INTEGER,
    reviewed_by TEXT
) STRICT;

-- The database had lost it, and it was taken up again by what it showed; null where it was not, or somebody has looked at it.
ALTER TABLE envoys ADD COLUMN adopted_at INTEGER;
