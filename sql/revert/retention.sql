-- Revert accolade:retention from mysql

DROP TABLE installation;
