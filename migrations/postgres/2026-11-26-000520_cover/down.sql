DROP TABLE cover;
DROP TABLE release_cover;
