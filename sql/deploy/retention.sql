-- Deploy accolade:retention to mysql

-- What the installation remembers of itself (sql/retention.h): the retention of identities in force, and from which day on identities
-- and outcomes are all there.
CREATE TABLE installation (
    name  VARBINARY(32) NOT NULL,
    value BIGINT        NOT NULL,
    PRIMARY KEY (name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
