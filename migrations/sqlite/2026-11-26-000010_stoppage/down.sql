DROP INDEX stoppage_by_reference;
DROP TABLE stoppage;
