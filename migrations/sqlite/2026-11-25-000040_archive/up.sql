-- Entries whose bodies, and the records beside them, have gone into an archive file; their hashes stay in
-- the tiles, and an entry of the log names the file's digest.
CREATE TABLE archive (
    log_id INTEGER NOT NULL REFERENCES log (id),
    first_index INTEGER NOT NULL,                -- the first entry in the file
    upto_index INTEGER NOT NULL,                 -- the first entry that is not
    sha256 BLOB NOT NULL,                   -- of the file
    file TEXT NOT NULL,                       -- its name when it was made
    at_us INTEGER NOT NULL,
    PRIMARY KEY (log_id, first_index),
    CHECK (first_index < upto_index)
) STRICT, WITHOUT ROWID;
