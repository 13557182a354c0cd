-- Revert accolade:events from mysql

DROP TABLE outcome;
DROP TABLE event_identity;
