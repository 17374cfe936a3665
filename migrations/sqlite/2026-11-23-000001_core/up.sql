-- Times are microseconds since 1970 (UTC); quantities are millionths of the line's unit.

-- One row a licence: its present version and where it stands.
CREATE TABLE licence (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,              -- the issuing authority's number
    issuing_state TEXT NOT NULL,              -- ISO 3166-1 alpha-2
    country_of_export TEXT NOT NULL,          -- States that may read the licence
    country_of_import TEXT NOT NULL,
    status TEXT NOT NULL,                     -- active, suspended, revoked, annulled, surrendered, superseded
    version INTEGER NOT NULL,                 -- counts from 1 with each change
    shipments INTEGER NOT NULL DEFAULT 0,     -- releases that stand against it
    body TEXT NOT NULL                        -- the document of the present version, JSON
) STRICT;
CREATE INDEX licence_by_state ON licence (issuing_state, id);

-- What has been drawn of each line.
CREATE TABLE licence_line (
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    line INTEGER NOT NULL,
    authorised INTEGER NOT NULL CHECK (authorised > 0),
    reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    consumed INTEGER NOT NULL DEFAULT 0 CHECK (consumed >= 0),
    PRIMARY KEY (licence_id, line),
    CHECK (reserved + consumed <= authorised)
) STRICT, WITHOUT ROWID;

-- Every version ever in force, for replays and for the authority.
CREATE TABLE licence_version (
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    change TEXT NOT NULL,                     -- issue, amendment, suspension, ...
    reason TEXT,                              -- in the authority's words
    body TEXT,                                -- the document, where this change altered it
    actor TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (licence_id, version)
) STRICT, WITHOUT ROWID;

-- Every movement of a balance, never altered.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY,
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    line INTEGER NOT NULL,
    kind TEXT NOT NULL,                       -- issue, amendment, release, release_amendment, reversal
    authorised INTEGER NOT NULL,              -- after it
    reserved INTEGER NOT NULL,                -- after it
    consumed INTEGER NOT NULL,                -- after it
    consumed_change INTEGER NOT NULL,
    release_id BLOB,
    at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_by_licence ON ledger (licence_id, id);

-- Every verdict, with what it was judged on and what was answered.
CREATE TABLE verification (
    entry INTEGER PRIMARY KEY,                -- that records it: the log and the index in it
    id BLOB NOT NULL UNIQUE,                  -- UUID version 7
    state TEXT NOT NULL,                      -- of the officer's post
    border_post TEXT NOT NULL,
    outcome TEXT NOT NULL,                    -- clear, refer, hold
    caller TEXT NOT NULL,
    record BLOB NOT NULL,                      -- declaration as received, facts as looked up, reply but for its audit reference; packed
    at_us INTEGER NOT NULL
) STRICT;

-- A release as it stands now; its history is in the ledger and in the audit trail.
CREATE TABLE release (
    id BLOB PRIMARY KEY,
    verification_id BLOB NOT NULL,
    state TEXT NOT NULL,
    border_post TEXT NOT NULL,
    status TEXT NOT NULL,                     -- released, reversed
    version INTEGER NOT NULL,                 -- counts from 1 with each amendment or reversal
    reference_kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    content_sha256 BLOB NOT NULL,             -- of the declaration in force
    declaration TEXT NOT NULL,                -- the declaration in force
    items TEXT NOT NULL,                      -- its item numbers, a JSON list
    outward TEXT NOT NULL,                    -- what a return is compared with, JSON
    states TEXT NOT NULL,                     -- the States that it concerns, a JSON list
    caller TEXT NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX release_by_reference ON release (reference, reference_kind);

-- What a release draws, absolute figures.
CREATE TABLE release_draw (
    release_id BLOB NOT NULL REFERENCES release (id),
    item INTEGER NOT NULL,
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    line INTEGER NOT NULL,
    drawn INTEGER NOT NULL CHECK (drawn >= 0),
    PRIMARY KEY (release_id, item, licence_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX release_draw_by_licence ON release_draw (licence_id);

-- Firearms that releases have moved; a licence without serials is bound to them.
CREATE TABLE serial_use (
    id INTEGER PRIMARY KEY,
    serial TEXT NOT NULL,                     -- or alternative marking, as it is compared
    make TEXT NOT NULL,                       -- folded; empty where it was not declared
    model TEXT NOT NULL,                      -- the same
    country TEXT NOT NULL,                    -- of manufacture; the same
    state TEXT NOT NULL,                      -- whose border was crossed
    movement TEXT NOT NULL,
    licence TEXT NOT NULL,
    line INTEGER NOT NULL,
    release_id BLOB NOT NULL REFERENCES release (id),
    item INTEGER NOT NULL,
    settled_by BLOB                           -- the release by which it has come back
) STRICT;
CREATE INDEX serial_use_by_serial ON serial_use (serial, state);
CREATE INDEX serial_use_by_settled ON serial_use (settled_by);
CREATE INDEX serial_use_by_release ON serial_use (release_id);

-- First replies by caller and key, in the order of their making.
CREATE TABLE idempotency (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,                   -- the first bytes of the digest
    digest BLOB NOT NULL,                    -- of the caller and the key
    request_sha256 BLOB NOT NULL,
    outcome TEXT NOT NULL,                    -- done, created, refused; or why nothing was done
    reply TEXT NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_by_place ON idempotency (place);

-- Editions of the reference lists; the one loaded last is in force.
CREATE TABLE lists (
    id INTEGER PRIMARY KEY,
    edition TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    actor TEXT NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;

-- Counts the batches that nodes tell one another of.
CREATE TABLE watermark (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL
) STRICT;
INSERT INTO watermark (id, sequence) VALUES (1, 0);

-- What each such batch has changed, for the caches of other nodes: one row a count, the latest ones only.
CREATE TABLE feed (
    sequence INTEGER PRIMARY KEY,
    mark INTEGER NOT NULL,                     -- drawn at random: who has heard of this very batch knows it again
    licences TEXT NOT NULL,                   -- numbers of the licences that it changed, a JSON list
    traces TEXT NOT NULL                      -- references and firearms that have a history from now on, JSON
) STRICT;
INSERT INTO feed (sequence, mark, licences, traces) VALUES (0, 0, '[]', '[]');
