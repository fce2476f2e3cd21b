-- Publishing: what pages and feeds need, what may not be published, and what has changed since they were written.

ALTER TABLE shows ADD COLUMN description TEXT;
ALTER TABLE shows ADD COLUMN author TEXT;
ALTER TABLE shows ADD COLUMN language TEXT;
ALTER TABLE shows ADD COLUMN image TEXT;                             -- where the publisher has his cover
ALTER TABLE shows ADD COLUMN cover TEXT;                             -- the address that our copy of it comes from
ALTER TABLE shows ADD COLUMN cover_checked BIGINT;
ALTER TABLE shows ADD COLUMN permission TEXT;                        -- as the configuration gave it last
ALTER TABLE shows ADD COLUMN private TEXT;                           -- why it is never published, whatever its licence
ALTER TABLE shows ADD COLUMN document_type TEXT;                     -- Content-Type of our copy of the feed
ALTER TABLE shows ADD COLUMN document_url TEXT;                      -- where it came from in the end
ALTER TABLE shows ADD COLUMN withdrawn BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE shows ADD COLUMN published BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE shows ADD COLUMN published_episodes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE shows ADD COLUMN published_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE shows ADD COLUMN published_feed BOOLEAN NOT NULL DEFAULT FALSE; -- podcast.xml is there
ALTER TABLE shows ADD COLUMN published_newest BIGINT;                -- the date of the newest of them
-- How often something that the site shows has changed since it was written: who publishes takes off what he saw.
ALTER TABLE shows ADD COLUMN publish_due BIGINT NOT NULL DEFAULT 1;
CREATE INDEX shows_to_publish ON shows (id) WHERE publish_due <> 0;
CREATE INDEX shows_published ON shows (slug) WHERE published;

ALTER TABLE episodes ADD COLUMN withdrawn BOOLEAN NOT NULL DEFAULT FALSE;

ALTER TABLE enclosures ADD COLUMN sha256 TEXT;                       -- of the whole file
ALTER TABLE enclosures ADD COLUMN published BIGINT;                  -- since when it is on the site
ALTER TABLE enclosures ADD COLUMN delete_data BOOLEAN NOT NULL DEFAULT FALSE; -- once no client has it any more
-- Whether the publisher's URL gives everybody the same bytes.
ALTER TABLE enclosures ADD COLUMN source TEXT NOT NULL DEFAULT 'unknown';
ALTER TABLE enclosures ADD COLUMN source_checks BIGINT NOT NULL DEFAULT 0; -- looks that found our bytes at this address
ALTER TABLE enclosures ADD COLUMN source_checked BIGINT;             -- the last look that found anything
ALTER TABLE enclosures ADD COLUMN source_next BIGINT;
ALTER TABLE enclosures ADD COLUMN source_failures BIGINT NOT NULL DEFAULT 0; -- looks in a row that found nothing out
ALTER TABLE enclosures ADD COLUMN source_hint BIGINT;                -- when the feed last gave a reason to look at once
ALTER TABLE enclosures ADD COLUMN web_seed BOOLEAN NOT NULL DEFAULT FALSE; -- its .torrent names the publisher's URL
-- The publisher's own torrent of it.
ALTER TABLE enclosures ADD COLUMN official_url TEXT;                 -- where he offers it; http, https or magnet
ALTER TABLE enclosures ADD COLUMN official BOOLEAN NOT NULL DEFAULT FALSE; -- what we seed is that torrent
ALTER TABLE enclosures ADD COLUMN official_read TEXT;                -- the offer that was read last, whatever came of it
ALTER TABLE enclosures ADD COLUMN official_next BIGINT;              -- when one that could not be read is asked for again
ALTER TABLE enclosures ADD COLUMN official_failures BIGINT NOT NULL DEFAULT 0;
-- A former version of another enclosure: its address is no longer its own, so comparable_url says `replaced:ID`.
ALTER TABLE enclosures ADD COLUMN replaced_by BIGINT REFERENCES enclosures (id);
ALTER TABLE enclosures ADD COLUMN replaced_why TEXT;                 -- 'revised' or 'official'
ALTER TABLE enclosures ADD COLUMN replaced BIGINT;                   -- when
CREATE INDEX enclosures_replaced ON enclosures (replaced_by) WHERE replaced_by IS NOT NULL;
CREATE INDEX enclosures_published ON enclosures (published) WHERE published IS NOT NULL;
CREATE INDEX episodes_by_guid ON episodes (guid);
CREATE INDEX enclosures_to_compare ON enclosures (source_next) WHERE source_next IS NOT NULL;
CREATE INDEX enclosures_offered ON enclosures (id)
    WHERE official_url IS NOT NULL AND NOT official AND (official_read IS NULL OR official_read <> official_url);
CREATE INDEX enclosures_withdrawn ON enclosures (id) WHERE stage = 'withdrawn';
CREATE INDEX enclosures_to_delete ON enclosures (id) WHERE delete_data;

-- Triggers and not a call beside each statement: one that is forgotten would be a page that never changes again.
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

-- A file stands with the first episode that announces it.
CREATE TRIGGER announcements_change_the_site
    AFTER INSERT ON announcements
    WHEN (SELECT magnet FROM enclosures WHERE id = NEW.enclosure_id) IS NOT NULL
    BEGIN UPDATE shows SET publish_due = publish_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = NEW.enclosure_id); END;

-- The site names the day on which a client has last confirmed, not the second.
CREATE TRIGGER placements_change_the_site
    AFTER UPDATE OF state, confirmed ON placements
    WHEN (OLD.state, OLD.confirmed / 86400) IS NOT (NEW.state, NEW.confirmed / 86400)
    BEGIN UPDATE shows SET publish_due = publish_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = NEW.enclosure_id); END;
CREATE TRIGGER placements_gone_change_the_site AFTER DELETE ON placements
    BEGIN UPDATE shows SET publish_due = publish_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = OLD.enclosure_id); END;

-- What holds for the whole state: `site` is the settings that the site was last written with.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
