-- Whether the episode still announces the enclosure, or did when it was last in the feed.

ALTER TABLE announcements ADD COLUMN present BOOLEAN NOT NULL DEFAULT TRUE;
