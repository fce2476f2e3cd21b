-- The daemon: what is asked of clients again, own files, what is dropped for space, and who was told of what.

-- Polling and work that goes on for ever.
ALTER TABLE shows ADD COLUMN last_good_poll BIGINT;                  -- the last that brought an answer
UPDATE shows SET last_good_poll = last_poll WHERE error IS NULL;
CREATE INDEX shows_to_poll ON shows (next_poll);

-- What clients say, time and again.
ALTER TABLE placements ADD COLUMN asked BIGINT;                      -- when the client last answered for it
ALTER TABLE placements ADD COLUMN proven BIGINT;                     -- when it last gave a stranger a piece
ALTER TABLE placements ADD COLUMN proof_next BIGINT;                 -- when a stranger asks for the next
ALTER TABLE placements ADD COLUMN proof_error TEXT;                  -- why the last stranger got nothing
ALTER TABLE placements ADD COLUMN proof_bytes BIGINT NOT NULL DEFAULT 0; -- what it has given to us as strangers
ALTER TABLE placements ADD COLUMN proof_failures BIGINT NOT NULL DEFAULT 0; -- strangers in a row that got nothing
ALTER TABLE placements ADD COLUMN since BIGINT;                      -- when the client first confirmed what it now has
ALTER TABLE placements ADD COLUMN lost BIGINT;                       -- when the client had last lost it
ALTER TABLE enclosures ADD COLUMN data_error TEXT;                   -- why its file cannot be what clients seed
UPDATE placements SET since = confirmed;
CREATE INDEX placements_to_prove ON placements (client, proof_next) WHERE state IN ('seeding', 'delivered');

-- Own files.
ALTER TABLE shows ADD COLUMN own BOOLEAN NOT NULL DEFAULT FALSE;     -- there is no feed: its episodes are the user's files
ALTER TABLE enclosures ADD COLUMN own_path TEXT;                     -- where the user has it; nothing of it is ever changed

-- What is dropped for space.
ALTER TABLE enclosures ADD COLUMN expired BIGINT;                    -- since when it is not to be kept any more
ALTER TABLE enclosures ADD COLUMN expired_why TEXT;                  -- the rule, for people

-- Who was told of what.
ALTER TABLE enclosures ADD COLUMN seeding_since BIGINT;              -- when a first client confirmed it
ALTER TABLE enclosures ADD COLUMN noticed TEXT;                      -- the stage that a notice last went out for
UPDATE enclosures SET noticed = stage WHERE stage IN ('seeding', 'failed');
CREATE TABLE notices (
    cause TEXT PRIMARY KEY,                      -- what it is about
    sent BIGINT NOT NULL                         -- when it last went out
);
