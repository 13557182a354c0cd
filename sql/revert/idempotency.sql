-- Revert accolade:idempotency from mysql

DROP TABLE idempotency;
