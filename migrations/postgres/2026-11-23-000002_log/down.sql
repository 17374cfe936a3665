DROP INDEX verification_by_entry;
DROP TABLE checkpoint;
DROP TABLE log_tile;
DROP TABLE log_entry;
DROP TABLE log;
