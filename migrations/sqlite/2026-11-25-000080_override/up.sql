-- Releases against the advice: asked for by one officer, in force once a second one has confirmed.
CREATE TABLE release_override (
    release_id BLOB PRIMARY KEY REFERENCES release (id),
    reason TEXT NOT NULL,
    codes TEXT NOT NULL,                      -- what it overrides, a JSON list
    caller TEXT NOT NULL,                     -- who asked
    due_us INTEGER NOT NULL,                  -- until when it may be confirmed
    beyond TEXT NOT NULL,                     -- what no licence covers, JSON; known once it is confirmed
    confirmed_by TEXT,
    confirmed_us INTEGER
) STRICT, WITHOUT ROWID;

-- Every state in which a release ever stood.
CREATE TABLE release_version (
    release_id BLOB NOT NULL REFERENCES release (id),
    version INTEGER NOT NULL,
    change TEXT NOT NULL,                     -- release, release_amendment, reversal, override_requested, ...
    status TEXT NOT NULL,                     -- after it
    reason TEXT,
    declaration TEXT,                         -- where this change altered it
    draws TEXT NOT NULL,                      -- what it draws after it, JSON
    actor TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    log_id INTEGER NOT NULL,
    log_index INTEGER NOT NULL,
    PRIMARY KEY (release_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_that_waits ON release (id) WHERE status = 'pending';
