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
