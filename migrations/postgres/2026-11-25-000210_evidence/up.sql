-- Which entry of which log records a version of a licence.
CREATE TABLE licence_entry (
    licence_id BIGINT NOT NULL REFERENCES licence (id),
    version BIGINT NOT NULL,
    log_id BIGINT NOT NULL,
    log_index BIGINT NOT NULL,
    PRIMARY KEY (licence_id, version)
);
CREATE INDEX release_by_verification ON release (verification_id);
