-- Revert accolade:ledger from mysql

DROP TABLE entry;
