-- What is set aside for a post that may be cut off: it leaves the line's balance and comes back, or is drawn,
-- with what the post recorded.
CREATE TABLE allowance (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,                  -- UUID version 7
    border_post TEXT NOT NULL,
    state TEXT NOT NULL,                      -- whose licence it is
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    licence TEXT NOT NULL,
    status TEXT NOT NULL,                     -- set_aside, out, returned, withdrawn, lost
    log TEXT,                                 -- the post's log that it was handed out to
    reason TEXT,                              -- of a loss, in the authority's words
    actor TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;
CREATE INDEX allowance_by_post ON allowance (border_post, number);
CREATE INDEX allowance_by_licence ON allowance (licence_id);

-- Its lines: how much was set aside, and how much of that the post has drawn as far as is known.
CREATE TABLE allowance_line (
    allowance_id BLOB NOT NULL REFERENCES allowance (id),
    line INTEGER NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    drawn INTEGER NOT NULL DEFAULT 0 CHECK (drawn >= 0),
    PRIMARY KEY (allowance_id, line),
    CHECK (drawn <= quantity)
) STRICT, WITHOUT ROWID;

-- The firearms that were set aside: nobody else releases them meanwhile. At the post: those that it may release.
CREATE TABLE allowance_serial (
    row INTEGER PRIMARY KEY,
    allowance_id BLOB NOT NULL,
    border_post TEXT NOT NULL,
    log TEXT,                                 -- the post's log, once handed out
    licence TEXT NOT NULL,
    line INTEGER NOT NULL,
    serial TEXT NOT NULL                      -- in the form in which it is compared
) STRICT;
CREATE INDEX allowance_serial_by_serial ON allowance_serial (serial);
CREATE INDEX allowance_serial_by_allowance ON allowance_serial (allowance_id);

-- Logs of posts that were given a snapshot, and how far they have joined.
CREATE TABLE post_log (
    log TEXT PRIMARY KEY NOT NULL,
    verifier_key TEXT NOT NULL,
    border_post TEXT NOT NULL,
    state TEXT NOT NULL,                      -- of the post
    log_id INTEGER,                           -- the log here, once anything of it has joined
    joined INTEGER NOT NULL,                  -- entries
    snapshot BLOB NOT NULL,                   -- the last one given
    expires_us INTEGER NOT NULL,              -- its end
    changed_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX post_log_by_post ON post_log (border_post);

-- At a post: the snapshot that it rests on, and the references that were released before it was taken.
CREATE TABLE cut_off (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    body TEXT NOT NULL                        -- JSON
) STRICT;
CREATE TABLE cut_off_reference (
    row INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    body TEXT NOT NULL                        -- JSON
) STRICT;
CREATE INDEX cut_off_reference_by_reference ON cut_off_reference (reference, kind);

ALTER TABLE ledger ADD COLUMN allowance_id BLOB;
