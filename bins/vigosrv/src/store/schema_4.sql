-- The version of the key set that an envoy said to have.
ALTER TABLE envoys ADD COLUMN keyset INTEGER NOT NULL DEFAULT 0;
