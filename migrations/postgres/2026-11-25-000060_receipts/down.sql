DROP TABLE arrival;
DROP TABLE receipt_step;
DROP TABLE receipt;
