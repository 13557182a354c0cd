-- Revert accolade:configuration from mysql

DROP TABLE code_number;
DROP TABLE definition;
DROP TABLE config_version;
