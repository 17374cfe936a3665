-- One row a release for export to another State: whether its goods were received (Protocol, article 10(4)).
CREATE TABLE receipt (
    row INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    release_id BLOB NOT NULL UNIQUE REFERENCES release (id),
    exporting_state TEXT NOT NULL,
    importing_state TEXT NOT NULL,
    border_post TEXT NOT NULL,                -- of export
    ucr TEXT,
    reference TEXT NOT NULL,                  -- of the export declaration
    status TEXT NOT NULL,                     -- outstanding, requested, answered, confirmed, withdrawn
    result TEXT NOT NULL,                     -- nothing, partial, complete, short, differs, surplus
    version INTEGER NOT NULL,                 -- counts from 1 with each step
    tally TEXT NOT NULL,                      -- what has arrived, JSON
    left_us INTEGER,                          -- when the goods left
    due_us INTEGER,                           -- the end of the period for the proof
    escalation INTEGER NOT NULL,              -- steps taken since that ended
    released_us INTEGER NOT NULL
) STRICT;
CREATE INDEX receipt_by_exporting_state ON receipt (exporting_state, row);
CREATE INDEX receipt_by_importing_state ON receipt (importing_state, row);

-- What happened to a receipt, in order.
CREATE TABLE receipt_step (
    receipt_id BLOB NOT NULL REFERENCES receipt (id),
    version INTEGER NOT NULL,
    step TEXT NOT NULL,                       -- released, left, arrived, requested, answered, confirmed, ...
    state TEXT NOT NULL,                      -- of who acted
    result TEXT NOT NULL,                     -- how it stood after the step
    document TEXT,                            -- the proof
    note TEXT,
    actor TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    log_id INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    PRIMARY KEY (receipt_id, version)
) STRICT, WITHOUT ROWID;

-- What importing posts have found.
CREATE TABLE arrival (
    id BLOB PRIMARY KEY,
    state TEXT NOT NULL,
    border_post TEXT NOT NULL,
    ucr TEXT,
    reference TEXT,
    request TEXT NOT NULL,                    -- as received
    result TEXT NOT NULL,                     -- how it turned out over all, or unknown
    happened_us INTEGER NOT NULL,
    caller TEXT NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX arrival_by_ucr ON arrival (ucr);
