-- One row an audit log: its owner moves the size by compare-and-swap.
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL UNIQUE,              -- the name in every checkpoint and reply
    verifier_key TEXT NOT NULL,               -- what others verify its checkpoints with
    size INTEGER NOT NULL,                    -- entries
    owner TEXT NOT NULL,                      -- the process that may move it; a later one takes it over
    gap TEXT,                                 -- what a log opened after a loss of data declares
    opened_us INTEGER NOT NULL
) STRICT;

-- Leaves: the bytes that were hashed, packed.
CREATE TABLE log_entry (
    entry INTEGER PRIMARY KEY,                -- the log and the index in it, which has 40 bits
    body BLOB NOT NULL
) STRICT;

-- Hash tiles: full ones for good, the rightmost ones until they are full.
CREATE TABLE log_tile (
    log_id INTEGER NOT NULL REFERENCES log (id),
    level INTEGER NOT NULL,
    tile INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (log_id, level, tile)
) STRICT, WITHOUT ROWID;

-- Every checkpoint ever signed; a size is signed once.
CREATE TABLE checkpoint (
    log_id INTEGER NOT NULL REFERENCES log (id),
    size INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (log_id, size)
) STRICT, WITHOUT ROWID;
