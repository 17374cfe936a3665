-- Which entry of which log records a version of a licence.
CREATE TABLE licence_entry (
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    version INTEGER NOT NULL,
    log_id INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    PRIMARY KEY (licence_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_by_verification ON release (verification_id);
