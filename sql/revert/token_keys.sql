-- Revert accolade:token_keys from mysql

DROP TABLE token_key;
