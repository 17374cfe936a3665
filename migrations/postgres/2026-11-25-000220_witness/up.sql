-- Logs of others, as far as this service has cosigned them as a witness: only their hashes cross the border.
CREATE TABLE witnessed (
    origin TEXT PRIMARY KEY,
    size BIGINT NOT NULL,
    note TEXT NOT NULL,                       -- the checkpoint cosigned last
    at_us BIGINT NOT NULL
);

-- Cosignatures that witnesses gave to checkpoints of the logs here.
CREATE TABLE cosignature (
    log_id BIGINT NOT NULL REFERENCES log (id),
    size BIGINT NOT NULL,
    witness TEXT NOT NULL,                    -- its verifier key
    line TEXT NOT NULL,                       -- as it stands below the checkpoint
    at_us BIGINT NOT NULL,
    PRIMARY KEY (log_id, size, witness)
);
