DROP TABLE outbox;
DROP TABLE webhook_key;
DROP TABLE webhook;
