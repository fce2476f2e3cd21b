-- Figures for the publisher: what trackers and clients have counted.

CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,                   -- `tracker URL`, `tracker-v2 URL` or `client NAME`
    kind TEXT NOT NULL,                          -- its first word
    asked BIGINT,
    answered BIGINT
);

-- Where a counter stood when it was last read.
CREATE TABLE counters (
    source_id BIGINT NOT NULL REFERENCES sources (id),
    enclosure_id BIGINT NOT NULL REFERENCES enclosures (id),
    level BIGINT NOT NULL,                       -- up to this value it is counted
    began BIGINT,                                -- it cannot have begun at zero before
    fallen_from BIGINT,                          -- it says less than this, which it has said before,
    fallen_since BIGINT,                         -- since then
    seeders BIGINT,                              -- what a tracker said last
    leechers BIGINT,
    PRIMARY KEY (source_id, enclosure_id)
);
CREATE INDEX counters_by_enclosure ON counters (enclosure_id);

-- Nothing here is ever lowered or removed: what a show had counted stays, also when it or the client goes.
CREATE TABLE figures (
    enclosure_id BIGINT NOT NULL REFERENCES enclosures (id),
    source_id BIGINT NOT NULL REFERENCES sources (id),
    day BIGINT NOT NULL,                         -- its beginning in UTC
    completed BIGINT NOT NULL DEFAULT 0,
    uploaded BIGINT NOT NULL DEFAULT 0,
    seeders BIGINT,                              -- the most on that day
    leechers BIGINT,
    PRIMARY KEY (enclosure_id, day, source_id)
);
