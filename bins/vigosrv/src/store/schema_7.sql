-- What an envoy is told to leave alone: to make no changes, and to apply nothing, until a time or until it is told otherwise.
ALTER TABLE envoys ADD COLUMN observes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE envoys ADD COLUMN maintenance INTEGER NOT NULL DEFAULT 0;
ALTER TABLE envoys ADD COLUMN maintenance_until INTEGER;
