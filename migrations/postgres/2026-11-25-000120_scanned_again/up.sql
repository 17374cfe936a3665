-- What was referred or held is found again by its declaration's reference.
CREATE INDEX consignment_event_not_clear ON consignment_event (reference) WHERE kind = 'verdict' AND outcome <> 'clear';
