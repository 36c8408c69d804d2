-- That one identity seems to run twice: since when, and where two of the copies came from; null where it does not.
ALTER TABLE envoys ADD COLUMN cloned_at INTEGER;
ALTER TABLE envoys ADD COLUMN cloned_first TEXT;
ALTER TABLE envoys ADD COLUMN cloned_second TEXT;
-- Reports that came under the number of another one, and were thrown away.
ALTER TABLE envoys ADD COLUMN reports_doubled INTEGER NOT NULL DEFAULT 0;
