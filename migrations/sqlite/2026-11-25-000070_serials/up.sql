-- Firearms that licences list by their serials.
CREATE TABLE licence_serial (
    row INTEGER PRIMARY KEY,
    serial TEXT NOT NULL,                     -- in the form in which it is compared
    make TEXT NOT NULL,                       -- folded; empty where it is not stated
    model TEXT NOT NULL,
    country TEXT NOT NULL,                    -- of manufacture
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    line INTEGER NOT NULL
) STRICT;
CREATE INDEX licence_serial_by_serial ON licence_serial (serial);
CREATE INDEX licence_serial_by_licence ON licence_serial (licence_id);

-- Firearms read at arrival, and firearms reported lost, stolen, seized or found.
CREATE TABLE serial_event (
    row INTEGER PRIMARY KEY,
    serial TEXT NOT NULL,
    make TEXT NOT NULL,
    model TEXT NOT NULL,
    country TEXT NOT NULL,
    kind TEXT NOT NULL,                       -- arrived, lost, stolen, seized, found
    state TEXT NOT NULL,                      -- of who recorded it
    border_post TEXT,
    subject BLOB NOT NULL,                   -- the arrival or the report
    states TEXT NOT NULL,                     -- the States that it concerns, a JSON list
    reference TEXT,                           -- the consignment's, or the case's
    happened_us INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX serial_event_by_serial ON serial_event (serial);

-- Releases of goods that return under the reference under which they first moved.
CREATE TABLE goods_return (
    release_id BLOB PRIMARY KEY NOT NULL REFERENCES release (id),
    outward TEXT NOT NULL,                    -- the reference of the first movement
    state TEXT NOT NULL
) STRICT;
CREATE INDEX goods_return_by_outward ON goods_return (outward, state);
