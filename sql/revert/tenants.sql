-- Revert accolade:tenants from mysql

DROP TABLE api_key;
DROP TABLE tenant;
