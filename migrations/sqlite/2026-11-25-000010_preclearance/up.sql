-- Goods that a carrier has announced. What it was judged on stands in `verification` under the same identifier.
CREATE TABLE preclearance (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,                  -- UUID version 7
    code TEXT NOT NULL UNIQUE,                -- what is presented
    issuer TEXT NOT NULL,                     -- whose token lodged it
    operator TEXT NOT NULL,                   -- the carrier's number
    state TEXT NOT NULL,                      -- of the post
    border_post TEXT NOT NULL,
    status TEXT NOT NULL,                     -- lodged, presented, released, lapsed, withdrawn
    reservation TEXT NOT NULL,                -- none, held, taken_over, lapsed, withdrawn
    missed INTEGER NOT NULL,                  -- 1 where it named what is not there or does not fit
    kept TEXT NOT NULL,                       -- what the carrier was told and whom it concerns, JSON
    lodged_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,              -- the last hour of presentation
    due_us INTEGER,                           -- when something is left to be done; nothing once it is
    changed_us INTEGER NOT NULL,
    release_id BLOB                           -- the release that followed it
);
CREATE INDEX preclearance_by_miss ON preclearance (operator, issuer, missed, lodged_us);
CREATE INDEX preclearance_by_status ON preclearance (operator, issuer, status);
CREATE INDEX preclearance_by_due ON preclearance (due_us);
CREATE INDEX preclearance_by_release ON preclearance (release_id);

-- The declaration that was lodged, by which others of the same are found.
CREATE TABLE announced (
    preclearance_id BLOB PRIMARY KEY REFERENCES preclearance (id),
    reference_kind TEXT NOT NULL,             -- mrn, ucr, national
    reference TEXT NOT NULL,
    content_sha256 BLOB NOT NULL,              -- by which a declaration under a UCR is known again
    ucr TEXT                                  -- the consignment
) STRICT, WITHOUT ROWID;
CREATE INDEX announced_by_reference ON announced (reference, reference_kind);
CREATE INDEX announced_by_consignment ON announced (ucr);

-- What a reservation holds, absolute figures; gone once it is given back.
CREATE TABLE preclearance_draw (
    preclearance_id BLOB NOT NULL REFERENCES preclearance (id),
    licence_id INTEGER NOT NULL REFERENCES licence (id),
    line INTEGER NOT NULL,
    reserved INTEGER NOT NULL CHECK (reserved > 0),
    PRIMARY KEY (preclearance_id, licence_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX preclearance_draw_by_licence ON preclearance_draw (licence_id);

-- Verifications of goods that were announced.
CREATE TABLE presentation (
    verification_id BLOB PRIMARY KEY,
    preclearance_id BLOB NOT NULL REFERENCES preclearance (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX presentation_by_preclearance ON presentation (preclearance_id);

ALTER TABLE ledger ADD COLUMN reserved_change INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN preclearance_id BLOB;
