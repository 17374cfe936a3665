-- Goods that an officer has stopped although they cleared: nothing is released under the reference while it stands.
CREATE TABLE stoppage (
    alert_id BLOB PRIMARY KEY,                -- the case in which it ends
    state TEXT NOT NULL,                      -- of the post
    reference_kind TEXT NOT NULL,
    reference TEXT NOT NULL,                  -- of the declaration
    ucr TEXT,                                 -- of the consignment, where it has one
    severity TEXT NOT NULL,                   -- hold, refer
    at_us INTEGER NOT NULL,
    lifted_us INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX stoppage_by_reference ON stoppage (reference, reference_kind);
CREATE INDEX stoppage_by_ucr ON stoppage (ucr);
