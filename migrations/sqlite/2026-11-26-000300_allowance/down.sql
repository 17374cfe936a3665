ALTER TABLE ledger DROP COLUMN allowance_id;
DROP TABLE cut_off_reference;
DROP TABLE cut_off;
DROP TABLE post_log;
DROP TABLE allowance_serial;
DROP TABLE allowance_line;
DROP TABLE allowance;
