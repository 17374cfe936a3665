DROP INDEX serial_event_by_subject;
