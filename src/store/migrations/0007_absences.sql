-- A client that is away costs one request, and not one for each torrent that waits for it.
CREATE TABLE absences (
    client TEXT PRIMARY KEY,
    error TEXT NOT NULL,
    needs_the_user BOOLEAN NOT NULL,
    failures BIGINT NOT NULL,                    -- in a row
    next_attempt BIGINT NOT NULL                 -- nothing is asked of it before
);
-- What waited for one is not told from what waits for itself, so all of it is looked at once more.
UPDATE placements SET next_attempt = NULL WHERE state IN ('pending', 'waiting') AND next_attempt IS NOT NULL;

-- When something is to be done at the client; no time at all where nothing is, and one that never comes where that is
-- only when the user asks for it.
ALTER TABLE placements ADD COLUMN due BIGINT GENERATED ALWAYS AS (CASE
    WHEN leaving THEN COALESCE(next_attempt, 0)
    WHEN state IN ('seeding', 'delivered', 'missing') THEN NULL
    WHEN next_attempt IS NOT NULL THEN next_attempt
    WHEN state = 'stopped' THEN NULL             -- by somebody's will
    WHEN state = 'failed' THEN 9223372036854775807
    ELSE 0 END) VIRTUAL;
DROP INDEX placements_to_do;
CREATE INDEX placements_to_do ON placements (client, due, enclosure_id) WHERE due IS NOT NULL AND NOT leaving;
DROP INDEX placements_leaving;
CREATE INDEX placements_leaving ON placements (client, due, enclosure_id) WHERE leaving;
CREATE INDEX placements_ailing ON placements (client, state) WHERE state IN ('missing', 'stopped', 'failed');
