-- What was recorded of firearms is compared with the case, the arrival or the report that it belongs to.
CREATE INDEX serial_event_by_subject ON serial_event (subject);
-- What has gone under a licence is compared with what releases have let go.
CREATE INDEX release_cover_by_licence ON release_cover (licence);
