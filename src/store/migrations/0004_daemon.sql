-- The daemon: what is asked of clients again, own files, what is dropped for space, and who was told of what.

-- Polling and work that goes on for ever.
ALTER TABLE shows ADD COLUMN last_good_poll BIGINT;                  -- the last that brought an answer
ALTER TABLE shows ADD COLUMN poll_wish BIGINT;                       -- seconds between two polls, as the feed itself asks
UPDATE shows SET last_good_poll = last_poll WHERE error IS NULL;
CREATE INDEX shows_to_poll ON shows (COALESCE(next_poll, 0));
CREATE INDEX episodes_by_date ON episodes (show_id, date);

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
ALTER TABLE enclosures ADD COLUMN readmitted BIGINT;                 -- when the user has brought it back since
ALTER TABLE enclosures ADD COLUMN left_at TEXT;                      -- a client that was left with it: its data stays
UPDATE enclosures SET left_at = 'a client'
    WHERE id IN (SELECT enclosure_id FROM events WHERE text LIKE '%: left there');
CREATE INDEX enclosures_expired ON enclosures (id) WHERE expired IS NOT NULL;

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

-- What monitoring asks for, counted when it changes: to count a million rows takes longer than an answer may.
CREATE TABLE tallies (
    what TEXT NOT NULL,                          -- 'stage', 'placement', 'proof', 'served', 'media bytes' ...
    subject TEXT NOT NULL,                       -- a show's id, a client's name, a source's id, or nothing
    state TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (what, subject, state)
);
UPDATE enclosures SET seeding_since =
    (SELECT MIN(p.confirmed) FROM placements p WHERE p.enclosure_id = enclosures.id AND p.state = 'seeding')
    WHERE stage = 'seeding';
INSERT INTO tallies SELECT 'stage', show_id, stage, COUNT(*) FROM enclosures
    WHERE NOT forgotten AND (wanted OR file IS NOT NULL) GROUP BY show_id, stage;
INSERT INTO tallies SELECT 'media bytes', '', '', COALESCE(SUM(bytes), 0) FROM enclosures;
INSERT INTO tallies SELECT 'media requests', '', '', COALESCE(SUM(requests), 0) FROM enclosures;
INSERT INTO tallies SELECT 'placement', client, state, COUNT(*) FROM placements GROUP BY client, state;
INSERT INTO tallies SELECT 'served', source_id, '', SUM(uploaded) FROM figures GROUP BY source_id;
CREATE INDEX enclosures_next_attempt ON enclosures (next_attempt) WHERE next_attempt IS NOT NULL;
CREATE INDEX placements_next_attempt ON placements (next_attempt) WHERE next_attempt IS NOT NULL;
CREATE INDEX episodes_discovered ON episodes (show_id, discovered);

-- What is inserted here is added there.
CREATE VIEW tally_gains AS SELECT * FROM tallies;
CREATE TRIGGER tallies_gain INSTEAD OF INSERT ON tally_gains BEGIN
    INSERT INTO tallies VALUES (NEW.what, NEW.subject, NEW.state, NEW.number)
        ON CONFLICT (what, subject, state) DO UPDATE SET number = number + excluded.number;
END;
CREATE TRIGGER enclosures_come_to_be_counted AFTER INSERT ON enclosures BEGIN
    INSERT INTO tally_gains SELECT 'stage', NEW.show_id, NEW.stage, 1
        WHERE NOT NEW.forgotten AND (NEW.wanted OR NEW.file IS NOT NULL);
    INSERT INTO tally_gains SELECT 'media bytes', '', '', NEW.bytes WHERE NEW.bytes <> 0;
    INSERT INTO tally_gains SELECT 'media requests', '', '', NEW.requests WHERE NEW.requests <> 0;
END;
CREATE TRIGGER enclosures_are_counted AFTER UPDATE OF show_id, stage, forgotten, wanted, file ON enclosures
    WHEN (OLD.show_id, OLD.stage, OLD.forgotten, OLD.wanted, OLD.file)
        IS NOT (NEW.show_id, NEW.stage, NEW.forgotten, NEW.wanted, NEW.file)
BEGIN
    INSERT INTO tally_gains SELECT 'stage', OLD.show_id, OLD.stage, -1
        WHERE NOT OLD.forgotten AND (OLD.wanted OR OLD.file IS NOT NULL);
    INSERT INTO tally_gains SELECT 'stage', NEW.show_id, NEW.stage, 1
        WHERE NOT NEW.forgotten AND (NEW.wanted OR NEW.file IS NOT NULL);
END;
CREATE TRIGGER what_is_fetched_is_counted AFTER UPDATE OF bytes, requests ON enclosures
    WHEN (OLD.bytes, OLD.requests) IS NOT (NEW.bytes, NEW.requests)
BEGIN
    INSERT INTO tally_gains SELECT 'media bytes', '', '', NEW.bytes - OLD.bytes;
    INSERT INTO tally_gains SELECT 'media requests', '', '', NEW.requests - OLD.requests;
END;
CREATE TRIGGER placements_come_to_be_counted AFTER INSERT ON placements BEGIN
    INSERT INTO tally_gains SELECT 'placement', NEW.client, NEW.state, 1;
END;
CREATE TRIGGER placements_are_counted AFTER UPDATE OF state, proven, proof_error ON placements
    WHEN (OLD.state, OLD.proven IS NULL, OLD.proof_error IS NULL)
        IS NOT (NEW.state, NEW.proven IS NULL, NEW.proof_error IS NULL)
BEGIN
    INSERT INTO tally_gains SELECT 'placement', OLD.client, OLD.state, -1;
    INSERT INTO tally_gains SELECT 'proof', OLD.client, 'proven', -1
        WHERE OLD.proven IS NOT NULL AND OLD.proof_error IS NULL;
    INSERT INTO tally_gains SELECT 'proof', OLD.client, 'refused', -1 WHERE OLD.proof_error IS NOT NULL;
    INSERT INTO tally_gains SELECT 'placement', NEW.client, NEW.state, 1;
    INSERT INTO tally_gains SELECT 'proof', NEW.client, 'proven', 1
        WHERE NEW.proven IS NOT NULL AND NEW.proof_error IS NULL;
    INSERT INTO tally_gains SELECT 'proof', NEW.client, 'refused', 1 WHERE NEW.proof_error IS NOT NULL;
END;
CREATE TRIGGER placements_gone_are_counted AFTER DELETE ON placements BEGIN
    INSERT INTO tally_gains SELECT 'placement', OLD.client, OLD.state, -1;
    INSERT INTO tally_gains SELECT 'proof', OLD.client, 'proven', -1
        WHERE OLD.proven IS NOT NULL AND OLD.proof_error IS NULL;
    INSERT INTO tally_gains SELECT 'proof', OLD.client, 'refused', -1 WHERE OLD.proof_error IS NOT NULL;
END;
CREATE TRIGGER figures_come_to_be_counted AFTER INSERT ON figures WHEN NEW.uploaded <> 0 BEGIN
    INSERT INTO tally_gains SELECT 'served', NEW.source_id, '', NEW.uploaded;
END;
CREATE TRIGGER figures_are_counted AFTER UPDATE OF uploaded ON figures WHEN NEW.uploaded <> OLD.uploaded BEGIN
    INSERT INTO tally_gains SELECT 'served', NEW.source_id, '', NEW.uploaded - OLD.uploaded;
END;
-- How long it took until the first client confirmed: from an episode's publication, or from when podseed met it, if the
-- show was not known before that; of a file that takes the place of another, from when it was found.
CREATE VIEW seeding_delays AS
    SELECT e.id, e.seeding_since - MIN(e.seeding_since, CASE
        WHEN EXISTS (SELECT 1 FROM enclosures former WHERE former.replaced_by = e.id) THEN e.discovered
        ELSE (SELECT CASE
                WHEN episode.date >= (SELECT MIN(discovered) FROM episodes WHERE show_id = e.show_id) THEN episode.date
                ELSE episode.discovered END
            FROM announcements a JOIN episodes episode ON episode.id = a.episode_id
            WHERE a.enclosure_id = e.id ORDER BY episode.id LIMIT 1) END) AS took
    FROM enclosures e;
CREATE TRIGGER seeding_is_counted AFTER UPDATE OF seeding_since ON enclosures
    WHEN OLD.seeding_since IS NULL AND NEW.seeding_since IS NOT NULL
BEGIN
    INSERT INTO tally_gains SELECT 'seeding after', '', CASE
            WHEN took <= 60 THEN '60' WHEN took <= 300 THEN '300' WHEN took <= 900 THEN '900'
            WHEN took <= 1800 THEN '1800' WHEN took <= 3600 THEN '3600' WHEN took <= 10800 THEN '10800'
            WHEN took <= 43200 THEN '43200' WHEN took <= 86400 THEN '86400' WHEN took <= 604800 THEN '604800'
            WHEN took <= 2592000 THEN '2592000' ELSE 'more' END, 1
        FROM seeding_delays WHERE id = NEW.id AND took IS NOT NULL;
    INSERT INTO tally_gains SELECT 'seeding after', '', 'sum', took
        FROM seeding_delays WHERE id = NEW.id AND took IS NOT NULL;
END;
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
