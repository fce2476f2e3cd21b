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

-- What is dropped for space.
ALTER TABLE enclosures ADD COLUMN expired BIGINT;                    -- since when it is not to be kept any more
ALTER TABLE enclosures ADD COLUMN expired_why TEXT;                  -- the rule, for people

-- Who was told of what.
ALTER TABLE enclosures ADD COLUMN seeding_since BIGINT;              -- when a first client confirmed it
ALTER TABLE enclosures ADD COLUMN told_seeding BIGINT;               -- when it was told that it seeds
ALTER TABLE enclosures ADD COLUMN told_failed BIGINT;                -- when it was told that it needs the user
ALTER TABLE enclosures ADD COLUMN hooked_seeding BIGINT;             -- the same for hooks, which wait for no others
ALTER TABLE enclosures ADD COLUMN hooked_failed BIGINT;
UPDATE enclosures SET told_seeding = 0, hooked_seeding = 0 WHERE stage = 'seeding';
UPDATE enclosures SET told_failed = 0, hooked_failed = 0 WHERE stage = 'failed';
-- There are hardly ever any: who looks for news must not read everything else.
CREATE INDEX enclosures_untold_seeding ON enclosures (id) WHERE stage = 'seeding' AND told_seeding IS NULL;
CREATE INDEX enclosures_untold_failed ON enclosures (id) WHERE stage = 'failed' AND told_failed IS NULL;
CREATE INDEX enclosures_unhooked_seeding ON enclosures (id) WHERE stage = 'seeding' AND hooked_seeding IS NULL;
CREATE INDEX enclosures_unhooked_failed ON enclosures (id) WHERE stage = 'failed' AND hooked_failed IS NULL;
CREATE INDEX enclosures_told_failed ON enclosures (id) WHERE told_failed IS NOT NULL;
-- What is still being collected for one notice.
CREATE TABLE notice_windows (
    topic TEXT PRIMARY KEY,
    began BIGINT NOT NULL,
    grew BIGINT NOT NULL,                        -- when something was last added
    waiting BIGINT NOT NULL                      -- how much there is
);
-- What is wrong for some time, by what it is about.
CREATE TABLE troubles (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,                       -- a show, a client, or nothing
    error TEXT NOT NULL,
    remedy TEXT NOT NULL,
    since BIGINT NOT NULL,
    ended BIGINT,                                -- since when it is well again
    told BIGINT,                                 -- when it was last told
    times BIGINT NOT NULL DEFAULT 0,             -- how often it was told since it began
    PRIMARY KEY (kind, subject)
);
-- What is still to be sent, as JSON.
CREATE TABLE outgoing_notices (
    id INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,                       -- `webhook`, `ntfy` or `hook`
    notice TEXT NOT NULL,
    made BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_attempt BIGINT
);
CREATE INDEX outgoing_notices_by_channel ON outgoing_notices (channel, id);
