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

-- Own files.
ALTER TABLE shows ADD COLUMN own BOOLEAN NOT NULL DEFAULT FALSE;     -- there is no feed: its episodes are the user's files
ALTER TABLE enclosures ADD COLUMN own_path TEXT;                     -- where the user has it; nothing of it is ever changed
CREATE INDEX shows_own ON shows (id) WHERE own;
CREATE INDEX enclosures_own ON enclosures (show_id) WHERE own_path IS NOT NULL;
-- What was seen of an own file when it was taken as this enclosure, and what its tags say.
CREATE TABLE own_files (
    enclosure_id BIGINT PRIMARY KEY REFERENCES enclosures (id),
    size BIGINT NOT NULL,
    modified BIGINT NOT NULL,                    -- nanoseconds since 1970
    device BIGINT NOT NULL,
    inode BIGINT NOT NULL,
    description TEXT,
    author TEXT,
    season BIGINT,
    number BIGINT,
    duration BIGINT                              -- seconds
);
-- The feed of own files tells what their tags say.
CREATE TRIGGER own_files_change_the_site
    AFTER UPDATE OF description, author, season, number, duration ON own_files
    BEGIN UPDATE shows SET publish_due = publish_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = NEW.enclosure_id); END;

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
