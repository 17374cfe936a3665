DROP TABLE checkpoint;
DROP TABLE log_tile;
DROP TABLE log_entry;
DROP TABLE log;
