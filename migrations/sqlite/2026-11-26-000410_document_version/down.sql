ALTER TABLE licence DROP COLUMN document_version;
