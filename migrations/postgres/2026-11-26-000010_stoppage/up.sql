-- Goods that an officer has stopped although they cleared: nothing is released under the reference while it stands.
CREATE TABLE stoppage (
    alert_id BYTEA PRIMARY KEY,               -- the case in which it ends
    state TEXT NOT NULL,                      -- of the post
    reference_kind TEXT NOT NULL,
    reference TEXT NOT NULL,                  -- of the declaration
    ucr TEXT,                                 -- of the consignment, where it has one
    severity TEXT NOT NULL,                   -- hold, refer
    at_us BIGINT NOT NULL,
    lifted_us BIGINT
);
CREATE INDEX stoppage_by_reference ON stoppage (reference, reference_kind);
CREATE INDEX stoppage_by_ucr ON stoppage (ucr);
