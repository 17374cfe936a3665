ALTER TABLE ledger DROP COLUMN preclearance_id;
ALTER TABLE ledger DROP COLUMN reserved_change;
DROP TABLE presentation;
DROP TABLE preclearance_draw;
DROP TABLE announced;
DROP TABLE preclearance;
