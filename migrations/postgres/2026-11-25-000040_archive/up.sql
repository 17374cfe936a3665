-- Entries whose bodies, and the records beside them, have gone into an archive file; their hashes stay in
-- the tiles, and an entry of the log names the file's digest.
CREATE TABLE archive (
    log_id BIGINT NOT NULL REFERENCES log (id),
    first_index BIGINT NOT NULL,                -- the first entry in the file
    upto_index BIGINT NOT NULL,                 -- the first entry that is not
    sha256 BYTEA NOT NULL,                   -- of the file
    file TEXT NOT NULL,                       -- its name when it was made
    at_us BIGINT NOT NULL,
    PRIMARY KEY (log_id, first_index),
    CHECK (first_index < upto_index)
);
