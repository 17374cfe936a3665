DROP TABLE deadline;
DROP TABLE alert_event;
DROP TABLE alert;
