DROP INDEX release_by_verification;
DROP TABLE licence_entry;
