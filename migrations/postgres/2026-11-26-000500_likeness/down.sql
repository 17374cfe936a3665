-- Rows of cases have no meaning to what was there before.
DELETE FROM serial_event WHERE kind = 'stopped';
DROP INDEX serial_event_by_folded;
DROP INDEX serial_use_by_folded;
ALTER TABLE serial_event DROP COLUMN folded;
ALTER TABLE serial_use DROP COLUMN folded;
