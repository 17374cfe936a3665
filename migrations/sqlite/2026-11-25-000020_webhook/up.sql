-- Whom a State wants to be told, and of what.
CREATE TABLE webhook (
    id BLOB PRIMARY KEY NOT NULL,             -- UUID version 7
    state TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,                     -- kinds, a JSON list; an empty one is all
    description TEXT,
    status TEXT NOT NULL,                     -- active, disabled, deleted
    reason TEXT,                              -- why it is disabled
    version INTEGER NOT NULL,                 -- counts from 1 with each change
    actor TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_by_state ON webhook (state, id);

-- Keys with which nodes have signed what they sent; only the public halves stand here.
CREATE TABLE webhook_key (
    public_key TEXT PRIMARY KEY NOT NULL,     -- Ed25519, base64
    node TEXT NOT NULL,                       -- the log's origin
    from_us INTEGER NOT NULL,
    until_us INTEGER                          -- since when it signs no more
) STRICT;

-- Events on their way: one row for each that is to be told.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id BLOB NOT NULL REFERENCES webhook (id),
    event_id BLOB NOT NULL,                   -- UUID version 7, the same for all who are told
    kind TEXT NOT NULL,
    ordering_key TEXT NOT NULL,               -- within a webhook, events of one key keep their order
    body TEXT NOT NULL,                       -- the bytes that are signed and sent
    at_us INTEGER NOT NULL,
    queued_us INTEGER NOT NULL,               -- when it was last put on its way: at first, or replayed
    status TEXT NOT NULL,                     -- waiting, delivered, dead
    attempts INTEGER NOT NULL DEFAULT 0,
    next_us INTEGER NOT NULL,                 -- not to be tried before
    lease_us INTEGER NOT NULL DEFAULT 0,      -- until then a node is trying
    lease_by TEXT NOT NULL DEFAULT '',        -- which one
    answer TEXT,                              -- what the last attempt came to
    ended_us INTEGER
) STRICT;
CREATE UNIQUE INDEX outbox_by_event ON outbox (webhook_id, event_id);
CREATE INDEX outbox_due ON outbox (webhook_id, next_us, id) WHERE status = 'waiting';
CREATE INDEX outbox_by_key ON outbox (webhook_id, ordering_key, id) WHERE status = 'waiting';
CREATE INDEX outbox_ended ON outbox (ended_us) WHERE status <> 'waiting';
CREATE INDEX outbox_dead ON outbox (webhook_id, id) WHERE status = 'dead';
