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
INSERT INTO _sqlx_migrations VALUES(1,'first','2026-11-22 14:35:07',1,X'8ca8e34b3bfcb2788dfd75804dbf9e959a20a57c58798e73a38d845546a0dcfc7c64b1899905448642873389b981d961',3335704);
INSERT INTO _sqlx_migrations VALUES(2,'publication','2026-11-22 14:35:07',1,X'063d2aa743239175b7b01b1facac40b61dda581effe3730e50c1760031c992ac504d2099a08aea2c89b5119bc664a08d',5223114);
INSERT INTO _sqlx_migrations VALUES(3,'figures','2026-11-22 14:35:07',1,X'0a17f941a2e9dfb040cdd636ac54bf6edfc7a94bbf649ed5112f0512059d81163e30cfc13aa39e3b3b60e8567b286af8',3991090);
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
, description TEXT, author TEXT, language TEXT, image TEXT, cover TEXT, cover_checked BIGINT, permission TEXT, private TEXT, document_type TEXT, document_url TEXT, withdrawn BOOLEAN NOT NULL DEFAULT FALSE, published BOOLEAN NOT NULL DEFAULT FALSE, published_episodes BIGINT NOT NULL DEFAULT 0, published_bytes BIGINT NOT NULL DEFAULT 0, published_feed BOOLEAN NOT NULL DEFAULT FALSE, published_newest BIGINT, publish_due BIGINT NOT NULL DEFAULT 1);
INSERT INTO shows VALUES(1,'show','http://@ORIGIN@/feed.xml','http://@ORIGIN@/moved.xml','A show',NULL,'cc-by-4.0',0,0,'"3cf9b245ca919659"','Sun, 06 Nov 1994 08:49:37 GMT','Selection { latest: None, since: None, until: None, title: None, not_title: Some(Regex("Trailer")), media: [] }',1795358112,1795361713,NULL,0,NULL,4,3644,1795358112787843,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'application/rss+xml','http://@ORIGIN@/moved.xml',0,1,2,410000,0,1771840800,0);
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
, withdrawn BOOLEAN NOT NULL DEFAULT FALSE);
INSERT INTO episodes VALUES(1,1,'g7','Trailer',1772272800,'https://show.invalid/g7',0,NULL,0,1,1795358107,0,'its title matches not_title: Trailer',0);
INSERT INTO episodes VALUES(2,1,'g6','Bad',1772186400,'https://show.invalid/g6',0,NULL,1,1,1795358107,1,'passes every rule',0);
INSERT INTO episodes VALUES(3,1,'g5','Five',1772100000,'https://show.invalid/g5',0,NULL,2,1,1795358107,0,'it was taken down',1);
INSERT INTO episodes VALUES(4,1,'g4','Four',1772013600,'https://show.invalid/g4',0,NULL,3,1,1795358107,1,'passes every rule',0);
INSERT INTO episodes VALUES(5,1,'g3','Slow',1771927200,'https://show.invalid/g3',0,NULL,4,1,1795358107,1,'passes every rule',0);
INSERT INTO episodes VALUES(6,1,'g2','Two',1771840800,'https://show.invalid/g2',0,NULL,5,1,1795358107,1,'passes every rule',0);
INSERT INTO episodes VALUES(7,1,'g1','One',1771754400,'https://show.invalid/g1',0,NULL,6,1,1795358107,1,'passes every rule',0);
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
    pass BIGINT NOT NULL DEFAULT 0, sha256 TEXT, published BIGINT, delete_data BOOLEAN NOT NULL DEFAULT FALSE, source TEXT NOT NULL DEFAULT 'unknown', source_checks BIGINT NOT NULL DEFAULT 0, source_checked BIGINT, source_next BIGINT, source_failures BIGINT NOT NULL DEFAULT 0, source_hint BIGINT, web_seed BOOLEAN NOT NULL DEFAULT FALSE, official_url TEXT, official BOOLEAN NOT NULL DEFAULT FALSE, official_read TEXT, official_next BIGINT, official_failures BIGINT NOT NULL DEFAULT 0, replaced_by BIGINT REFERENCES enclosures (id), replaced_why TEXT, replaced BIGINT,
    UNIQUE (show_id, comparable_url),
    UNIQUE (show_id, file_key)
);
INSERT INTO enclosures VALUES(1,1,'http://@ORIGIN@/trailer.mp3','http://@ORIGIN@/trailer.mp3','127.0.0.1','audio/mpeg',1,1795358107,0,0,0,'discovered',0,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,NULL,NULL,0,'unknown',0,NULL,NULL,0,NULL,0,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO enclosures VALUES(2,1,'http://@ORIGIN@/bad.mp3','http://@ORIGIN@/bad.mp3','127.0.0.1','audio/mpeg',1,1795358107,1,0,0,'failed',1,NULL,0,'http://@ORIGIN@/bad.mp3 answered 404 Not Found',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,0,1795358107489938,NULL,NULL,0,'unknown',0,NULL,NULL,0,NULL,0,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO enclosures VALUES(3,1,'http://@ORIGIN@/five.mp3','http://@ORIGIN@/five.mp3','127.0.0.1','audio/mpeg',1,1795358107,0,0,0,'withdrawn',1,NULL,0,NULL,'five.mp3','five.mp3',200000,'audio/mpeg','"e174986908fb1009"','Sun, 06 Nov 1994 08:49:37 GMT','ea406a1b8eaa995591785e212153c1478ab9e081',NULL,'magnet:?xt=urn:btih:ea406a1b8eaa995591785e212153c1478ab9e081&dn=five.mp3&tr=http%3A%2F%2F127.0.0.1%3A34983%2Fannounce',1,200000,1795358107489938,'a0c0c950c61bd977e347fbeeea904c7de28948042acb9280afdf4e5897e36d6e',NULL,0,'unknown',0,NULL,NULL,0,NULL,0,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO enclosures VALUES(4,1,'http://@ORIGIN@/four.mp3','http://@ORIGIN@/four.mp3','127.0.0.1','audio/mpeg',1,1795358107,1,1,0,'seeding',1,NULL,0,NULL,'four.mp3','four.mp3',200000,'audio/mpeg','"9649eefee05d75fc"','Sun, 06 Nov 1994 08:49:37 GMT','1bde35e9646f294b6a801513fc13f0312a28e5ca',NULL,'magnet:?xt=urn:btih:1bde35e9646f294b6a801513fc13f0312a28e5ca&dn=four.mp3&tr=http%3A%2F%2F127.0.0.1%3A34983%2Fannounce',1,200000,1795358107489938,'193df14a90a8af2b6c24500c35158e8bf3942fe343e1d019c5740f820ebcae9e',NULL,0,'unknown',0,NULL,NULL,0,NULL,0,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO enclosures VALUES(5,1,'http://@ORIGIN@/slow.mp3','http://@ORIGIN@/slow.mp3','127.0.0.1','audio/mpeg',1,1795358107,1,0,0,'discovered',2,1795444513,1,'http://@ORIGIN@/slow.mp3 answered 503 Service Unavailable',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4,100000,1795358112473782,NULL,NULL,0,'unknown',0,NULL,NULL,0,NULL,0,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO enclosures VALUES(6,1,'http://@ORIGIN@/two.mp3','http://@ORIGIN@/two.mp3','127.0.0.1','audio/mpeg',1,1795358107,1,0,0,'seeding',1,NULL,0,NULL,'two.mp3','two.mp3',200000,'audio/mpeg','"4f1e9e60a4ef598c"','Sun, 06 Nov 1994 08:49:37 GMT','dda2cb0f8112a4afb29b6e3e66407047803f37b1',NULL,'magnet:?xt=urn:btih:dda2cb0f8112a4afb29b6e3e66407047803f37b1&dn=two.mp3&tr=http%3A%2F%2F127.0.0.1%3A34983%2Fannounce',1,200000,1795358107489938,'fef451b592d7acdd81b5ab59161949cfb77bd151fd49c4987e2a96190bffec4b',1795358112,0,'unknown',0,NULL,NULL,0,NULL,0,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO enclosures VALUES(7,1,'http://@ORIGIN@/cdn/one.mp3','replaced:7','127.0.0.1','audio/mpeg',1,1795358107,0,0,0,'seeding',1,NULL,0,NULL,'one.mp3','one.mp3',200000,'audio/mpeg','"ec621eef43bdf80e"','Sun, 06 Nov 1994 08:49:37 GMT','532be45c9d41b0298e59f32491b5946ee18480a8',NULL,'magnet:?xt=urn:btih:532be45c9d41b0298e59f32491b5946ee18480a8&dn=one.mp3&tr=http%3A%2F%2F127.0.0.1%3A34983%2Fannounce',3,331072,1795358107489938,'0a8654680ebe0442e17256d0a5b2663ed3e285239dfdc2ec6984b2c21f05545d',1795358112,0,'changed once',0,NULL,NULL,0,1795358112,0,NULL,0,NULL,NULL,0,8,'revised',1795358112);
INSERT INTO enclosures VALUES(8,1,'http://@ORIGIN@/cdn/one.mp3','http://@ORIGIN@/cdn/one.mp3','127.0.0.1','audio/mpeg',1,1795358112,1,0,0,'seeding',1,NULL,0,NULL,'2026-02-22 One 711430f6.mp3','2026-02-22 one 711430f6.mp3',210000,'audio/mpeg','"6fc772e130a9a498"','Sun, 06 Nov 1994 08:49:37 GMT','c360a6cc84de5102ece87e534a113ea76dba6b79',NULL,'magnet:?xt=urn:btih:c360a6cc84de5102ece87e534a113ea76dba6b79&dn=2026-02-22%20One%20711430f6.mp3&tr=http%3A%2F%2F127.0.0.1%3A34983%2Fannounce',1,210000,1795358112473782,'06b3ccfa794d0077925c74ebd7d1dc2cea47b801a9da649ac5fed7ef7909f116',1795358112,0,'unknown',0,NULL,NULL,0,NULL,0,NULL,0,NULL,NULL,0,NULL,NULL,NULL);
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
INSERT INTO announcements VALUES(3,3,'enclosure',0,1,0);
INSERT INTO announcements VALUES(4,4,'enclosure',0,1,1);
INSERT INTO announcements VALUES(5,5,'enclosure',0,1,1);
INSERT INTO announcements VALUES(6,6,'enclosure',0,1,1);
INSERT INTO announcements VALUES(7,7,'enclosure',0,0,0);
INSERT INTO announcements VALUES(7,8,'enclosure',0,1,1);
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
INSERT INTO placements VALUES(3,4,'rt','delivered',1,0,0,0,NULL,NULL,NULL,1795358107489938);
INSERT INTO placements VALUES(4,4,'tr','seeding',1,0,0,0,NULL,NULL,1795358108,1795358107489938);
INSERT INTO placements VALUES(5,6,'rt','delivered',1,0,0,0,NULL,NULL,NULL,1795358107489938);
INSERT INTO placements VALUES(6,6,'tr','seeding',1,0,0,0,NULL,NULL,1795358107,1795358107489938);
INSERT INTO placements VALUES(7,7,'rt','delivered',1,0,0,0,NULL,NULL,NULL,1795358107489938);
INSERT INTO placements VALUES(8,7,'tr','seeding',1,0,0,0,NULL,NULL,1795358107,1795358107489938);
INSERT INTO placements VALUES(9,8,'rt','delivered',1,0,0,0,NULL,NULL,NULL,1795358112473782);
INSERT INTO placements VALUES(10,8,'tr','seeding',1,0,0,0,NULL,NULL,1795358112,1795358112473782);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    enclosure_id BIGINT NOT NULL REFERENCES enclosures (id),
    at BIGINT NOT NULL,
    text TEXT NOT NULL
);
INSERT INTO events VALUES(1,2,1795358107,'http://@ORIGIN@/bad.mp3 answered 404 Not Found');
INSERT INTO events VALUES(2,3,1795358107,'fetched: 200000 bytes from the origin');
INSERT INTO events VALUES(3,4,1795358107,'fetched: 200000 bytes from the origin');
INSERT INTO events VALUES(4,3,1795358107,'torrent made');
INSERT INTO events VALUES(5,4,1795358107,'torrent made');
INSERT INTO events VALUES(6,6,1795358107,'fetched: 200000 bytes from the origin');
INSERT INTO events VALUES(7,6,1795358107,'torrent made');
INSERT INTO events VALUES(8,3,1795358107,'rt: waiting');
INSERT INTO events VALUES(9,7,1795358107,'fetched: 200000 bytes from the origin');
INSERT INTO events VALUES(10,3,1795358107,'tr: waiting');
INSERT INTO events VALUES(11,4,1795358107,'tr: waiting');
INSERT INTO events VALUES(12,6,1795358107,'tr: waiting');
INSERT INTO events VALUES(13,7,1795358107,'torrent made');
INSERT INTO events VALUES(14,3,1795358107,'tr: checking');
INSERT INTO events VALUES(15,4,1795358107,'rt: waiting');
INSERT INTO events VALUES(16,3,1795358107,'rt: delivered');
INSERT INTO events VALUES(17,6,1795358107,'rt: waiting');
INSERT INTO events VALUES(18,4,1795358107,'rt: delivered');
INSERT INTO events VALUES(19,6,1795358107,'tr: checking');
INSERT INTO events VALUES(20,4,1795358107,'tr: checking');
INSERT INTO events VALUES(21,6,1795358107,'rt: delivered');
INSERT INTO events VALUES(22,7,1795358107,'rt: waiting');
INSERT INTO events VALUES(23,7,1795358107,'tr: waiting');
INSERT INTO events VALUES(24,7,1795358107,'rt: delivered');
INSERT INTO events VALUES(25,7,1795358107,'tr: checking');
INSERT INTO events VALUES(26,3,1795358107,'tr: seeding');
INSERT INTO events VALUES(27,7,1795358107,'tr: seeding');
INSERT INTO events VALUES(28,6,1795358107,'tr: seeding');
INSERT INTO events VALUES(29,4,1795358108,'tr: seeding');
INSERT INTO events VALUES(30,5,1795358112,'http://@ORIGIN@/slow.mp3 answered 503 Service Unavailable');
INSERT INTO events VALUES(31,4,1795358112,'the user asked to forget it');
INSERT INTO events VALUES(32,3,1795358112,'the user has taken it down');
INSERT INTO events VALUES(33,3,1795358112,'rt: five.mp3 was handed to a client that only watches a folder; remove it in the client itself');
INSERT INTO events VALUES(34,3,1795358112,'tr: taken out');
INSERT INTO events VALUES(35,7,1795358112,'the publisher has replaced this file; the new one is fetched');
INSERT INTO events VALUES(36,8,1795358112,'takes the place of a file that the publisher has replaced');
INSERT INTO events VALUES(37,5,1795358112,'http://@ORIGIN@/slow.mp3 answered 503 Service Unavailable');
INSERT INTO events VALUES(38,8,1795358112,'fetched: 210000 bytes from the origin');
INSERT INTO events VALUES(39,8,1795358112,'torrent made');
INSERT INTO events VALUES(40,8,1795358112,'tr: waiting');
INSERT INTO events VALUES(41,8,1795358112,'rt: waiting');
INSERT INTO events VALUES(42,8,1795358112,'rt: delivered');
INSERT INTO events VALUES(43,8,1795358112,'tr: checking');
INSERT INTO events VALUES(44,8,1795358112,'tr: seeding');
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
INSERT INTO settings VALUES('site','1 0.1.0 @WORLD@data/site 2592000s Options { base_url: None, language: English, contact: None, web_seed: false }');
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,                   -- `tracker URL`, `tracker-v2 URL` or `client NAME`
    kind TEXT NOT NULL,                          -- its first word
    asked BIGINT,
    answered BIGINT
);
INSERT INTO sources VALUES(1,'client tr','client',NULL,1795358112);
INSERT INTO sources VALUES(2,'tracker http://@TRACKER@/announce','tracker',1795358112,1795358112);
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
INSERT INTO counters VALUES(1,3,0,1795358107,NULL,NULL,NULL,NULL);
INSERT INTO counters VALUES(1,4,0,1795358107,NULL,NULL,NULL,NULL);
INSERT INTO counters VALUES(1,6,0,1795358107,NULL,NULL,NULL,NULL);
INSERT INTO counters VALUES(1,7,0,1795358107,NULL,NULL,NULL,NULL);
INSERT INTO counters VALUES(2,4,0,NULL,NULL,NULL,0,0);
INSERT INTO counters VALUES(2,7,0,NULL,NULL,NULL,1,0);
INSERT INTO counters VALUES(2,6,0,NULL,NULL,NULL,1,0);
INSERT INTO counters VALUES(2,3,0,NULL,NULL,NULL,0,0);
INSERT INTO counters VALUES(1,8,0,1795358112,NULL,NULL,NULL,NULL);
INSERT INTO counters VALUES(2,8,0,NULL,NULL,NULL,0,0);
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
INSERT INTO figures VALUES(7,2,1795305600,0,0,1,0);
INSERT INTO figures VALUES(6,2,1795305600,0,0,1,0);
CREATE INDEX episodes_by_show ON episodes (show_id, guid);
CREATE INDEX enclosures_to_fetch ON enclosures (discovered DESC, id)
    WHERE stage IN ('discovered', 'downloading', 'downloaded') AND (wanted OR stage = 'downloaded');
CREATE INDEX enclosures_managed ON enclosures (show_id, stage) WHERE wanted OR file IS NOT NULL;
CREATE INDEX enclosures_by_url ON enclosures (comparable_url);
CREATE INDEX announcements_by_enclosure ON announcements (enclosure_id);
CREATE INDEX placements_to_do ON placements (client, id) WHERE state NOT IN ('seeding', 'delivered');
CREATE INDEX events_by_enclosure ON events (enclosure_id);
CREATE INDEX shows_to_publish ON shows (id) WHERE publish_due <> 0;
CREATE INDEX shows_published ON shows (slug) WHERE published;
CREATE INDEX enclosures_replaced ON enclosures (replaced_by) WHERE replaced_by IS NOT NULL;
CREATE INDEX enclosures_published ON enclosures (published) WHERE published IS NOT NULL;
CREATE INDEX episodes_by_guid ON episodes (guid);
CREATE INDEX enclosures_to_compare ON enclosures (source_next) WHERE source_next IS NOT NULL;
CREATE INDEX enclosures_offered ON enclosures (id)
    WHERE official_url IS NOT NULL AND NOT official AND (official_read IS NULL OR official_read <> official_url);
CREATE INDEX enclosures_withdrawn ON enclosures (id) WHERE stage = 'withdrawn';
CREATE INDEX enclosures_to_delete ON enclosures (id) WHERE delete_data;
CREATE TRIGGER shows_change_the_site
    AFTER UPDATE OF title, link, licence, blocked, description, author, language, cover, permission, private,
        document_url, withdrawn, feed, moved_to ON shows
    WHEN (OLD.title, OLD.link, OLD.licence, OLD.blocked, OLD.description, OLD.author, OLD.language, OLD.cover,
          OLD.permission, OLD.private, OLD.document_url, OLD.withdrawn, OLD.feed, OLD.moved_to)
        IS NOT (NEW.title, NEW.link, NEW.licence, NEW.blocked, NEW.description, NEW.author, NEW.language, NEW.cover,
          NEW.permission, NEW.private, NEW.document_url, NEW.withdrawn, NEW.feed, NEW.moved_to)
    BEGIN UPDATE shows SET publish_due = publish_due + 1 WHERE id = NEW.id; END;
CREATE TRIGGER episodes_change_the_site
    AFTER UPDATE OF title, date, link, licence, guid, withdrawn ON episodes
    WHEN (OLD.title, OLD.date, OLD.link, OLD.licence, OLD.guid, OLD.withdrawn)
        IS NOT (NEW.title, NEW.date, NEW.link, NEW.licence, NEW.guid, NEW.withdrawn)
    BEGIN UPDATE shows SET publish_due = publish_due + 1 WHERE id = NEW.show_id; END;
CREATE TRIGGER enclosures_change_the_site
    AFTER UPDATE OF stage, forgotten, url, file, length, sha256, magnet, source, web_seed, official_url, official,
        replaced_by ON enclosures
    WHEN NEW.magnet IS NOT NULL
        AND (OLD.stage, OLD.forgotten, OLD.url, OLD.file, OLD.length, OLD.sha256, OLD.magnet, OLD.source, OLD.web_seed,
             OLD.official_url, OLD.official, OLD.replaced_by)
        IS NOT (NEW.stage, NEW.forgotten, NEW.url, NEW.file, NEW.length, NEW.sha256, NEW.magnet, NEW.source, NEW.web_seed,
             NEW.official_url, NEW.official, NEW.replaced_by)
    BEGIN UPDATE shows SET publish_due = publish_due + 1 WHERE id = NEW.show_id; END;
CREATE TRIGGER announcements_change_the_site
    AFTER INSERT ON announcements
    WHEN (SELECT magnet FROM enclosures WHERE id = NEW.enclosure_id) IS NOT NULL
    BEGIN UPDATE shows SET publish_due = publish_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = NEW.enclosure_id); END;
CREATE TRIGGER placements_change_the_site
    AFTER UPDATE OF state, confirmed ON placements
    WHEN (OLD.state, OLD.confirmed / 86400) IS NOT (NEW.state, NEW.confirmed / 86400)
    BEGIN UPDATE shows SET publish_due = publish_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = NEW.enclosure_id); END;
CREATE TRIGGER placements_gone_change_the_site AFTER DELETE ON placements
    BEGIN UPDATE shows SET publish_due = publish_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = OLD.enclosure_id); END;
CREATE INDEX counters_by_enclosure ON counters (enclosure_id);
COMMIT;
