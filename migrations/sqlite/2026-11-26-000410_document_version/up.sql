-- The version of a licence that last changed its document: what followed only changed where it stands.
ALTER TABLE licence ADD COLUMN document_version INTEGER NOT NULL DEFAULT 1;
UPDATE licence SET document_version = (
    SELECT max(v.version) FROM licence_version v WHERE v.licence_id = licence.id AND v.body IS NOT NULL
) WHERE EXISTS (SELECT 1 FROM licence_version v WHERE v.licence_id = licence.id AND v.body IS NOT NULL);
