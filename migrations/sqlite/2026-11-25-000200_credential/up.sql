-- Credentials issued for licences: one for each version of a document, whose row number is its place in the
-- status lists.
CREATE TABLE credential (
    id INTEGER PRIMARY KEY AUTOINCREMENT,     -- never used again, whatever happens to a row
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    version INTEGER NOT NULL,                 -- the version of the document
    actor TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    UNIQUE (licence_id, version)
) STRICT;
