-- What is done or not wanted is nearly everything; who looks for work must not read it.

DROP INDEX enclosures_by_stage;
DROP INDEX placements_by_state;
CREATE INDEX enclosures_to_fetch ON enclosures (id)
    WHERE stage IN ('discovered', 'downloading', 'downloaded') AND (wanted OR stage = 'downloaded');
CREATE INDEX enclosures_managed ON enclosures (show_id, stage) WHERE wanted OR file IS NOT NULL;
CREATE INDEX placements_to_do ON placements (client, id) WHERE state NOT IN ('seeding', 'delivered');
