-- Logs of others, as far as this service has cosigned them as a witness: only their hashes cross the border.
CREATE TABLE witnessed (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    note TEXT NOT NULL,                       -- the checkpoint cosigned last
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Cosignatures that witnesses gave to checkpoints of the logs here.
CREATE TABLE cosignature (
    log_id INTEGER NOT NULL REFERENCES log (id),
    size INTEGER NOT NULL,
    witness TEXT NOT NULL,                    -- its verifier key
    line TEXT NOT NULL,                       -- as it stands below the checkpoint
    at_us INTEGER NOT NULL,
    PRIMARY KEY (log_id, size, witness)
) STRICT, WITHOUT ROWID;
