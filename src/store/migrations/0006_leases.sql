-- Who polls a feed leaves the time of its next poll alone: if the process dies, the feed is as due as it was.
ALTER TABLE shows ADD COLUMN poll_lease BIGINT;                      -- until then it is in somebody's hands
CREATE INDEX shows_being_polled ON shows (id) WHERE poll_lease IS NOT NULL;
