-- What is put before officers and authorities. Who did what with it, and when, are its events.
CREATE TABLE alert (
    id BLOB PRIMARY KEY,                      -- UUID version 7
    state TEXT NOT NULL,                      -- whose officers or authority it is for
    addressee TEXT NOT NULL,                  -- officer, authority
    border_post TEXT,                         -- always for officers; for an authority where there is one
    kind TEXT NOT NULL,                       -- mismatch, override, deadline, ...
    severity TEXT NOT NULL,                   -- inform, refer, hold
    about TEXT NOT NULL,                      -- verification, release, licence, ... JSON
    ucr TEXT,                                 -- the consignment, where it has a number
    codes TEXT NOT NULL,                      -- JSON list, the heaviest first
    message TEXT,                             -- in words
    status TEXT NOT NULL,                     -- open, acknowledged, resolved
    outcome TEXT,                             -- how it was resolved
    raised_us INTEGER NOT NULL,
    log_id INTEGER NOT NULL,                  -- the audit entry that raised it
    log_index INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_by_age ON alert (state, raised_us, log_id, log_index);
CREATE INDEX alert_by_status ON alert (status, state, raised_us);
CREATE INDEX alert_by_ucr ON alert (ucr);

-- What happened to an alert, in the order of each log: what streams follow.
CREATE TABLE alert_event (
    log_id INTEGER NOT NULL,
    log_index INTEGER NOT NULL,               -- the audit entry that records it
    alert_id BLOB NOT NULL REFERENCES alert (id),
    change TEXT NOT NULL,                     -- raised, acknowledged, referred, extended, resolved
    outcome TEXT,                             -- how it was resolved
    note TEXT,                                -- in words
    actor TEXT,                               -- who; nobody where the service did it
    at_us INTEGER NOT NULL,
    PRIMARY KEY (log_id, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_event_by_alert ON alert_event (alert_id);

-- What is due when. What nobody has settled by then is escalated; nothing is released.
CREATE TABLE deadline (
    kind TEXT NOT NULL,                       -- customs_notice, decision_on_doubt, receipt, ...
    subject TEXT NOT NULL,                    -- what it is about: an identifier or a number
    due_us INTEGER NOT NULL,
    status TEXT NOT NULL,                     -- pending, escalated, settled
    step INTEGER NOT NULL,                    -- of its escalation, from 0
    state TEXT NOT NULL,                      -- whose law and calendar count
    border_post TEXT,
    profile TEXT NOT NULL,                    -- the profile of law under which it was set
    about TEXT NOT NULL,                      -- as an alert's
    from_us INTEGER NOT NULL,                 -- the event that it counts from
    changed_us INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX deadline_by_due ON deadline (status, due_us);
