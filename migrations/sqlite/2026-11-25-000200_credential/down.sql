DROP TABLE credential;
