-- What has happened to a consignment over all posts, written with the act itself. A UCR comes round again
-- after ten years, so a consignment is its UCR and the day on which it was first seen; the reader draws the line.
CREATE TABLE consignment_event (
    id INTEGER PRIMARY KEY,
    ucr TEXT NOT NULL,
    kind TEXT NOT NULL,                       -- verdict, release, amendment, reversal, exit, entry, arrival, ...
    state TEXT NOT NULL,                      -- of who acted
    border_post TEXT,                         -- where; nothing for an authority
    movement TEXT,                            -- export, import, transit
    outcome TEXT,                             -- a verdict, or how an arrival or a receipt turned out
    reference TEXT,                           -- of the declaration
    subject BLOB NOT NULL,                   -- the object: verification, release, crossing, arrival, receipt
    states TEXT NOT NULL,                     -- the States that it concerns, a JSON list
    carrier TEXT,                             -- operator's number
    detail TEXT NOT NULL,                     -- JSON
    happened_us INTEGER NOT NULL,             -- when it took place
    at_us INTEGER NOT NULL,                   -- when it was recorded
    log_id INTEGER NOT NULL,
    log_index INTEGER NOT NULL
) STRICT;
CREATE INDEX consignment_event_by_ucr ON consignment_event (ucr, id);

-- Goods seen to leave or enter a State.
CREATE TABLE crossing (
    id BLOB PRIMARY KEY,
    direction TEXT NOT NULL,                  -- exit, entry
    state TEXT NOT NULL,
    border_post TEXT NOT NULL,
    ucr TEXT,
    release_id BLOB UNIQUE REFERENCES release (id), -- whose goods left; they leave once
    vehicle TEXT,
    seals TEXT NOT NULL,                      -- a JSON list
    happened_us INTEGER NOT NULL,
    caller TEXT NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;
CREATE INDEX crossing_by_ucr ON crossing (ucr, at_us);
