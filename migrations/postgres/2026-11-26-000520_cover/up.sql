-- What has been released for export under the line of an import licence, whichever register keeps that licence: by one
-- release, and altogether. The sum is kept so that nobody has to add up what may be thousands of shipments.
CREATE TABLE release_cover (
    release_id BYTEA NOT NULL REFERENCES release (id),
    licence TEXT NOT NULL,                    -- the number
    line BIGINT NOT NULL,                     -- 0 where the register could not say which
    unit TEXT NOT NULL,                       -- in which the line counted then
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (release_id, licence, line, unit)
);
CREATE TABLE cover (
    licence TEXT NOT NULL,
    line BIGINT NOT NULL,
    unit TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    PRIMARY KEY (licence, line, unit)
);
