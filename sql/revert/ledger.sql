-- Revert accolade:ledger from mysql

DROP TABLE wallet_checkpoint;
DROP TABLE entry;
