-- Revert accolade:audit from mysql

DROP TABLE audit;
