DROP INDEX alert_by_subject;
ALTER TABLE alert DROP COLUMN subject;
