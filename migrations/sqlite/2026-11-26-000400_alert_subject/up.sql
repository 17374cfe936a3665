-- By what an alert is found again while it is open: a further look at the same goods takes it further, and what
-- ends the matter ends it. Nothing once it is resolved.
ALTER TABLE alert ADD COLUMN subject BLOB;
CREATE INDEX alert_by_subject ON alert (subject) WHERE subject IS NOT NULL;
