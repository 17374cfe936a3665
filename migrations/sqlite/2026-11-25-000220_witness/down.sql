DROP TABLE cosignature;
DROP TABLE witnessed;
