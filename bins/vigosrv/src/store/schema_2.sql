-- One row at most: nothing is published until it ends.
CREATE TABLE freeze (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- Null: until somebody ends it.
    until INTEGER,
    reason TEXT NOT NULL
) STRICT;
