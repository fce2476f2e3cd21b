-- A pass in which nothing is due looks at nothing but marks.

-- How often something has changed of which placements, looks at sources or web seeds of a show's torrents follow, since
-- these were last arranged: who arranges them takes off what he saw.
ALTER TABLE shows ADD COLUMN arrange_due BIGINT NOT NULL DEFAULT 1;
ALTER TABLE shows ADD COLUMN arrangement TEXT NOT NULL DEFAULT '';   -- under which clients and rules that was
CREATE INDEX shows_to_arrange ON shows (id) WHERE arrange_due <> 0;

CREATE TRIGGER enclosures_are_to_be_arranged
    AFTER UPDATE OF stage, forgotten, wanted, file, magnet, replaced_by, official, source, source_checks, source_next,
        web_seed ON enclosures
    WHEN NEW.magnet IS NOT NULL
        AND (OLD.stage IN ('downloaded', 'withdrawn'), OLD.forgotten, OLD.wanted OR OLD.file IS NOT NULL,
             OLD.magnet IS NULL, OLD.replaced_by, OLD.official, OLD.source, OLD.source_checks, OLD.source_next IS NULL,
             OLD.web_seed)
        IS NOT (NEW.stage IN ('downloaded', 'withdrawn'), NEW.forgotten, NEW.wanted OR NEW.file IS NOT NULL,
             NEW.magnet IS NULL, NEW.replaced_by, NEW.official, NEW.source, NEW.source_checks, NEW.source_next IS NULL,
             NEW.web_seed)
    BEGIN UPDATE shows SET arrange_due = arrange_due + 1 WHERE id = NEW.show_id; END;
-- What a client has lost may be at one that the show is not given to any more.
CREATE TRIGGER placements_are_to_be_arranged AFTER UPDATE OF state ON placements
    WHEN NEW.state NOT IN ('seeding', 'delivered') AND OLD.state IN ('seeding', 'delivered')
    BEGIN UPDATE shows SET arrange_due = arrange_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = NEW.enclosure_id); END;
CREATE TRIGGER placements_gone_are_to_be_arranged AFTER DELETE ON placements
    BEGIN UPDATE shows SET arrange_due = arrange_due + 1
        WHERE id = (SELECT show_id FROM enclosures WHERE id = OLD.enclosure_id); END;

-- What was withdrawn long ago is nobody's work, however much it is.
ALTER TABLE placements ADD COLUMN leaving BOOLEAN NOT NULL DEFAULT FALSE; -- its enclosure is withdrawn, and the client has it
UPDATE placements SET leaving = TRUE WHERE enclosure_id IN (SELECT id FROM enclosures WHERE stage = 'withdrawn');
CREATE INDEX placements_leaving ON placements (client, id) WHERE leaving;
CREATE TRIGGER placements_leave AFTER UPDATE OF stage ON enclosures
    WHEN (OLD.stage = 'withdrawn') <> (NEW.stage = 'withdrawn')
    BEGIN UPDATE placements SET leaving = NEW.stage = 'withdrawn' WHERE enclosure_id = NEW.id; END;
CREATE TRIGGER placements_come_to_leave AFTER INSERT ON placements
    WHEN (SELECT stage FROM enclosures WHERE id = NEW.enclosure_id) = 'withdrawn'
    BEGIN UPDATE placements SET leaving = TRUE WHERE id = NEW.id; END;

CREATE INDEX enclosures_held_back ON enclosures (id)
    WHERE expired IS NOT NULL AND magnet IS NULL AND file IS NULL AND replaced_by IS NULL;
CREATE INDEX enclosures_expiring ON enclosures (expired, id) WHERE expired IS NOT NULL AND delete_data;
CREATE INDEX enclosures_former ON enclosures (replaced)
    WHERE replaced_by IS NOT NULL AND stage <> 'withdrawn' AND NOT forgotten;
CREATE INDEX enclosures_former_over ON enclosures (id)
    WHERE replaced_by IS NOT NULL AND stage = 'withdrawn' AND expired IS NULL AND file IS NOT NULL;
-- Of one torrent that several shows have, whoever is asked last takes it out.
CREATE INDEX enclosures_by_torrent ON enclosures (info_hash_v1, info_hash_v2)
    WHERE info_hash_v1 IS NOT NULL OR info_hash_v2 IS NOT NULL;
CREATE INDEX shows_failing ON shows (slug) WHERE error IS NOT NULL AND failures > 0 AND NOT withdrawn;
DROP INDEX enclosures_expired;
DROP INDEX enclosures_withdrawn;
