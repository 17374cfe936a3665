DROP INDEX release_that_waits;
DROP TABLE release_version;
DROP TABLE release_override;
