PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _sqlx_migrations VALUES(1,'first','2026-11-22 14:35:03',1,X'8ca8e34b3bfcb2788dfd75804dbf9e959a20a57c58798e73a38d845546a0dcfc7c64b1899905448642873389b981d961',1084677);
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
INSERT INTO shows VALUES(1,'show','http://@ORIGIN@/feed.xml','http://@ORIGIN@/moved.xml','A show',NULL,'cc-by-4.0',0,0,'"8ac941cfc0869374"','Sun, 06 Nov 1994 08:49:37 GMT','Selection { latest: None, since: None, until: None, title: None, not_title: Some(Regex("Trailer")), media: [] }',1795358106,1795361707,NULL,0,NULL,3,1820,1795358106795727);
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
INSERT INTO episodes VALUES(1,1,'g7','Trailer',1772272800,'https://show.invalid/g7',0,NULL,0,1,1795358103,0,'its title matches not_title: Trailer');
INSERT INTO episodes VALUES(2,1,'g6','Bad',1772186400,'https://show.invalid/g6',0,NULL,1,1,1795358103,1,'passes every rule');
INSERT INTO episodes VALUES(3,1,'g5','Five',1772100000,'https://show.invalid/g5',0,NULL,2,1,1795358103,1,'passes every rule');
INSERT INTO episodes VALUES(4,1,'g4','Four',1772013600,'https://show.invalid/g4',0,NULL,3,1,1795358103,1,'passes every rule');
INSERT INTO episodes VALUES(5,1,'g3','Slow',1771927200,'https://show.invalid/g3',0,NULL,4,1,1795358103,1,'passes every rule');
INSERT INTO episodes VALUES(6,1,'g2','Two',1771840800,'https://show.invalid/g2',0,NULL,5,1,1795358103,1,'passes every rule');
INSERT INTO episodes VALUES(7,1,'g1','One',1771754400,'https://show.invalid/g1',0,NULL,6,1,1795358103,1,'passes every rule');
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
INSERT INTO enclosures VALUES(1,1,'http://@ORIGIN@/trailer.mp3','http://@ORIGIN@/trailer.mp3','127.0.0.1','audio/mpeg',1,1795358103,0,0,0,'discovered',0,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0);
INSERT INTO enclosures VALUES(2,1,'http://@ORIGIN@/bad.mp3','http://@ORIGIN@/bad.mp3','127.0.0.1','audio/mpeg',1,1795358103,1,0,0,'failed',1,NULL,0,'http://@ORIGIN@/bad.mp3 answered 404 Not Found',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,0,1795358103775152);
INSERT INTO enclosures VALUES(3,1,'http://@ORIGIN@/five.mp3','http://@ORIGIN@/five.mp3','127.0.0.1','audio/mpeg',1,1795358103,1,0,0,'seeding',1,NULL,0,NULL,'five.mp3','five.mp3',200000,'audio/mpeg','"e174986908fb1009"','Sun, 06 Nov 1994 08:49:37 GMT','ea406a1b8eaa995591785e212153c1478ab9e081',NULL,'magnet:?xt=urn:btih:ea406a1b8eaa995591785e212153c1478ab9e081&dn=five.mp3&tr=http%3A%2F%2F127.0.0.1%3A43813%2Fannounce',1,200000,1795358103775152);
INSERT INTO enclosures VALUES(4,1,'http://@ORIGIN@/four.mp3','http://@ORIGIN@/four.mp3','127.0.0.1','audio/mpeg',1,1795358103,1,1,0,'seeding',1,NULL,0,NULL,'four.mp3','four.mp3',200000,'audio/mpeg','"9649eefee05d75fc"','Sun, 06 Nov 1994 08:49:37 GMT','1bde35e9646f294b6a801513fc13f0312a28e5ca',NULL,'magnet:?xt=urn:btih:1bde35e9646f294b6a801513fc13f0312a28e5ca&dn=four.mp3&tr=http%3A%2F%2F127.0.0.1%3A43813%2Fannounce',1,200000,1795358103775152);
INSERT INTO enclosures VALUES(5,1,'http://@ORIGIN@/slow.mp3','http://@ORIGIN@/slow.mp3','127.0.0.1','audio/mpeg',1,1795358103,1,0,0,'discovered',2,1795444507,1,'http://@ORIGIN@/slow.mp3 answered 503 Service Unavailable',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4,100000,1795358106795727);
INSERT INTO enclosures VALUES(6,1,'http://@ORIGIN@/two.mp3','http://@ORIGIN@/two.mp3','127.0.0.1','audio/mpeg',1,1795358103,1,0,0,'seeding',1,NULL,0,NULL,'two.mp3','two.mp3',200000,'audio/mpeg','"4f1e9e60a4ef598c"','Sun, 06 Nov 1994 08:49:37 GMT','dda2cb0f8112a4afb29b6e3e66407047803f37b1',NULL,'magnet:?xt=urn:btih:dda2cb0f8112a4afb29b6e3e66407047803f37b1&dn=two.mp3&tr=http%3A%2F%2F127.0.0.1%3A43813%2Fannounce',1,200000,1795358103775152);
INSERT INTO enclosures VALUES(7,1,'http://@ORIGIN@/one.mp3','http://@ORIGIN@/one.mp3','127.0.0.1','audio/mpeg',1,1795358103,1,0,0,'seeding',1,NULL,0,NULL,'one.mp3','one.mp3',200000,'audio/mpeg','"ec621eef43bdf80e"','Sun, 06 Nov 1994 08:49:37 GMT','532be45c9d41b0298e59f32491b5946ee18480a8',NULL,'magnet:?xt=urn:btih:532be45c9d41b0298e59f32491b5946ee18480a8&dn=one.mp3&tr=http%3A%2F%2F127.0.0.1%3A43813%2Fannounce',1,200000,1795358103775152);
CREATE TABLE announcements (
    episode_id BIGINT NOT NULL REFERENCES episodes (id),
    enclosure_id BIGINT NOT NULL REFERENCES enclosures (id),
    role TEXT NOT NULL,
    position BIGINT NOT NULL,
    present BOOLEAN NOT NULL DEFAULT TRUE,       -- still announced, or was when the episode was last in the feed
    wanted BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (episode_id, enclosure_id, role)
);
INSERT INTO announcements VALUES(1,1,'enclosure',0,1,0);
INSERT INTO announcements VALUES(2,2,'enclosure',0,1,1);
INSERT INTO announcements VALUES(3,3,'enclosure',0,1,1);
INSERT INTO announcements VALUES(4,4,'enclosure',0,1,1);
INSERT INTO announcements VALUES(5,5,'enclosure',0,1,1);
INSERT INTO announcements VALUES(6,6,'enclosure',0,1,1);
INSERT INTO announcements VALUES(7,7,'enclosure',0,1,1);
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
INSERT INTO placements VALUES(1,3,'rt','delivered',1,0,0,0,NULL,NULL,NULL,1795358103775152);
INSERT INTO placements VALUES(2,3,'tr','seeding',1,0,0,0,NULL,NULL,1795358104,1795358103775152);
INSERT INTO placements VALUES(3,4,'rt','delivered',1,0,0,0,NULL,NULL,NULL,1795358103775152);
INSERT INTO placements VALUES(4,4,'tr','seeding',1,0,0,0,NULL,NULL,1795358104,1795358103775152);
INSERT INTO placements VALUES(5,6,'rt','delivered',1,0,0,0,NULL,NULL,NULL,1795358103775152);
INSERT INTO placements VALUES(6,6,'tr','seeding',1,0,0,0,NULL,NULL,1795358104,1795358103775152);
INSERT INTO placements VALUES(7,7,'rt','delivered',1,0,0,0,NULL,NULL,NULL,1795358103775152);
INSERT INTO placements VALUES(8,7,'tr','seeding',1,0,0,0,NULL,NULL,1795358104,1795358103775152);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    enclosure_id BIGINT NOT NULL REFERENCES enclosures (id),
    at BIGINT NOT NULL,
    text TEXT NOT NULL
);
INSERT INTO events VALUES(1,2,1795358103,'http://@ORIGIN@/bad.mp3 answered 404 Not Found');
INSERT INTO events VALUES(2,3,1795358103,'fetched: 200000 bytes from the origin');
INSERT INTO events VALUES(3,3,1795358103,'torrent made');
INSERT INTO events VALUES(4,4,1795358103,'fetched: 200000 bytes from the origin');
INSERT INTO events VALUES(5,4,1795358103,'torrent made');
INSERT INTO events VALUES(6,3,1795358103,'rt: waiting');
INSERT INTO events VALUES(7,4,1795358103,'rt: waiting');
INSERT INTO events VALUES(8,3,1795358103,'tr: waiting');
INSERT INTO events VALUES(9,4,1795358103,'rt: delivered');
INSERT INTO events VALUES(10,3,1795358103,'rt: delivered');
INSERT INTO events VALUES(11,6,1795358103,'fetched: 200000 bytes from the origin');
INSERT INTO events VALUES(12,3,1795358103,'tr: checking');
INSERT INTO events VALUES(13,6,1795358103,'torrent made');
INSERT INTO events VALUES(14,4,1795358103,'tr: waiting');
INSERT INTO events VALUES(15,7,1795358103,'fetched: 200000 bytes from the origin');
INSERT INTO events VALUES(16,4,1795358103,'tr: checking');
INSERT INTO events VALUES(17,6,1795358103,'tr: waiting');
INSERT INTO events VALUES(18,6,1795358103,'rt: waiting');
INSERT INTO events VALUES(19,7,1795358103,'torrent made');
INSERT INTO events VALUES(20,6,1795358103,'tr: checking');
INSERT INTO events VALUES(21,6,1795358103,'rt: delivered');
INSERT INTO events VALUES(22,7,1795358103,'tr: waiting');
INSERT INTO events VALUES(23,7,1795358104,'rt: waiting');
INSERT INTO events VALUES(24,7,1795358104,'tr: checking');
INSERT INTO events VALUES(25,7,1795358104,'rt: delivered');
INSERT INTO events VALUES(26,3,1795358104,'tr: seeding');
INSERT INTO events VALUES(27,7,1795358104,'tr: seeding');
INSERT INTO events VALUES(28,4,1795358104,'tr: seeding');
INSERT INTO events VALUES(29,6,1795358104,'tr: seeding');
INSERT INTO events VALUES(30,5,1795358106,'http://@ORIGIN@/slow.mp3 answered 503 Service Unavailable');
INSERT INTO events VALUES(31,4,1795358106,'the user asked to forget it');
INSERT INTO events VALUES(32,5,1795358106,'http://@ORIGIN@/slow.mp3 answered 503 Service Unavailable');
CREATE INDEX episodes_by_show ON episodes (show_id, guid);
CREATE INDEX enclosures_to_fetch ON enclosures (discovered DESC, id)
    WHERE stage IN ('discovered', 'downloading', 'downloaded') AND (wanted OR stage = 'downloaded');
CREATE INDEX enclosures_managed ON enclosures (show_id, stage) WHERE wanted OR file IS NOT NULL;
CREATE INDEX enclosures_by_url ON enclosures (comparable_url);
CREATE INDEX announcements_by_enclosure ON announcements (enclosure_id);
CREATE INDEX placements_to_do ON placements (client, id) WHERE state NOT IN ('seeding', 'delivered');
CREATE INDEX events_by_enclosure ON events (enclosure_id);
COMMIT;
