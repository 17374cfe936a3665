-- The form that all serials of one look share, by which a misreading of one is found.
ALTER TABLE serial_use ADD COLUMN folded TEXT NOT NULL AS (replace(replace(replace(replace(serial, 'O', '0'), 'I', '1'), 'B', '8'), 'S', '5')) VIRTUAL;
ALTER TABLE serial_event ADD COLUMN folded TEXT NOT NULL AS (replace(replace(replace(replace(serial, 'O', '0'), 'I', '1'), 'B', '8'), 'S', '5')) VIRTUAL;
CREATE INDEX serial_use_by_folded ON serial_use (folded, state);
CREATE INDEX serial_event_by_folded ON serial_event (folded);
