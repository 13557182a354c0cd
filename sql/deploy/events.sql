-- Deploy accolade:events to mysql

-- One row per event ever accepted, for as long as identities are kept. Not partitioned: uniqueness must hold over midnight.
CREATE TABLE event_identity (
    tenant_id    INT UNSIGNED      NOT NULL,
    identity     BINARY(16)        NOT NULL,
    fingerprint  BINARY(16)        NOT NULL,
    day          INT UNSIGNED      NOT NULL COMMENT 'position of the outcome',
    lane         SMALLINT UNSIGNED NOT NULL,
    n            BIGINT UNSIGNED   NOT NULL,
    i            SMALLINT UNSIGNED NOT NULL,
    received_at  BIGINT            NOT NULL,
    received_day INT UNSIGNED      NOT NULL,
    PRIMARY KEY (tenant_id, identity),
    KEY event_identity_received (received_day)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The change log: days since 1970-01-01 UTC, the lane, its count of transactions, the row within. The accolade command's job
-- `partitions` splits the last partition into those of days, and drops old ones.
CREATE TABLE outcome (
    day            INT UNSIGNED      NOT NULL,
    lane           SMALLINT UNSIGNED NOT NULL,
    n              BIGINT UNSIGNED   NOT NULL,
    i              SMALLINT UNSIGNED NOT NULL,
    rows_of        SMALLINT UNSIGNED NOT NULL COMMENT 'rows of this n: whether all of it is there',
    tenant_id      INT UNSIGNED      NOT NULL,
    member_no      BIGINT UNSIGNED   NOT NULL,
    member_version BIGINT UNSIGNED   NOT NULL,
    clear          BLOB              NOT NULL,
    sealed         MEDIUMBLOB        NOT NULL,
    PRIMARY KEY (day, lane, n, i),
    KEY outcome_member (tenant_id, member_no, member_version)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
PARTITION BY RANGE (day) (PARTITION p_rest VALUES LESS THAN MAXVALUE);
