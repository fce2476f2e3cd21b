-- Times are seconds since 1970 (UTC). `pass` is the pass that has last dealt with a row, so that a pass takes each once.

CREATE TABLE shows (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    feed TEXT NOT NULL,                          -- as the user gave it
    moved_to TEXT,                               -- where the publisher has moved it since
    title TEXT NOT NULL DEFAULT '',
    link TEXT,
    licence TEXT,
    locked BOOLEAN NOT NULL DEFAULT FALSE,
    blocked BOOLEAN NOT NULL DEFAULT FALSE,
    etag TEXT,
    last_modified TEXT,
    selection TEXT NOT NULL DEFAULT '',          -- the rules that the verdicts of its episodes come from
    last_poll BIGINT,
    next_poll BIGINT,
    wait_until BIGINT,                           -- the origin asked not to come before
    failures BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    requests BIGINT NOT NULL DEFAULT 0,          -- asked of the publisher's server for the feed
    bytes BIGINT NOT NULL DEFAULT 0,
    pass BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE episodes (
    id INTEGER PRIMARY KEY,
    show_id BIGINT NOT NULL REFERENCES shows (id),
    guid TEXT,
    title TEXT NOT NULL,
    date BIGINT,
    link TEXT,
    live BOOLEAN NOT NULL,
    licence TEXT,
    position BIGINT NOT NULL,                    -- in the feed, when it was last there
    present BOOLEAN NOT NULL,                    -- in the feed at the last complete reading
    discovered BIGINT NOT NULL,
    wanted BOOLEAN NOT NULL DEFAULT FALSE,
    verdict TEXT NOT NULL DEFAULT ''             -- the rule behind `wanted`, for people
);
CREATE INDEX episodes_by_show ON episodes (show_id, guid);

CREATE TABLE enclosures (
    id INTEGER PRIMARY KEY,
    show_id BIGINT NOT NULL REFERENCES shows (id),
    url TEXT NOT NULL,                           -- as the feed gives it
    comparable_url TEXT NOT NULL,
    host TEXT NOT NULL,
    media_type TEXT,                             -- as the feed claims
    length_hint BIGINT,
    discovered BIGINT NOT NULL,
    wanted BOOLEAN NOT NULL DEFAULT FALSE,
    forgotten BOOLEAN NOT NULL DEFAULT FALSE,
    repeated BOOLEAN NOT NULL DEFAULT FALSE,     -- another enclosure of the show has the same base name
    stage TEXT NOT NULL DEFAULT 'discovered',
    attempts BIGINT NOT NULL DEFAULT 0,
    next_attempt BIGINT,
    asked_to_wait BOOLEAN NOT NULL DEFAULT FALSE,
    error TEXT,
    file TEXT,                                   -- chosen before the file gets this name
    file_key TEXT,                               -- the same, without case
    length BIGINT,
    sniffed_type TEXT,
    etag TEXT,
    last_modified TEXT,
    info_hash_v1 TEXT,
    info_hash_v2 TEXT,
    magnet TEXT,
    requests BIGINT NOT NULL DEFAULT 0,          -- asked of the publisher's server for this file
    bytes BIGINT NOT NULL DEFAULT 0,
    pass BIGINT NOT NULL DEFAULT 0,
    UNIQUE (show_id, comparable_url),
    UNIQUE (show_id, file_key)
);
-- What is done or not wanted is nearly everything; who looks for work must not read it.
CREATE INDEX enclosures_to_fetch ON enclosures (discovered DESC, id)
    WHERE stage IN ('discovered', 'downloading', 'downloaded') AND (wanted OR stage = 'downloaded');
CREATE INDEX enclosures_managed ON enclosures (show_id, stage) WHERE wanted OR file IS NOT NULL;
CREATE INDEX enclosures_by_url ON enclosures (comparable_url);

-- Which episode announces which enclosure, and how.
CREATE TABLE announcements (
    episode_id BIGINT NOT NULL REFERENCES episodes (id),
    enclosure_id BIGINT NOT NULL REFERENCES enclosures (id),
    role TEXT NOT NULL,
    position BIGINT NOT NULL,
    present BOOLEAN NOT NULL DEFAULT TRUE,       -- still announced, or was when the episode was last in the feed
    wanted BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (episode_id, enclosure_id, role)
);
CREATE INDEX announcements_by_enclosure ON announcements (enclosure_id);

CREATE TABLE placements (
    id INTEGER PRIMARY KEY,
    enclosure_id BIGINT NOT NULL REFERENCES enclosures (id),
    client TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    added BOOLEAN NOT NULL DEFAULT FALSE,
    verified BOOLEAN NOT NULL DEFAULT FALSE,
    uploaded_bytes BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    next_attempt BIGINT,
    error TEXT,
    confirmed BIGINT,                            -- when the client last said that it seeds
    pass BIGINT NOT NULL DEFAULT 0,
    UNIQUE (enclosure_id, client)
);
CREATE INDEX placements_to_do ON placements (client, id) WHERE state NOT IN ('seeding', 'delivered');

-- The story of an enclosure, for `why`.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    enclosure_id BIGINT NOT NULL REFERENCES enclosures (id),
    at BIGINT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX events_by_enclosure ON events (enclosure_id);
