DROP INDEX release_cover_by_licence;
DROP INDEX serial_event_by_subject;
