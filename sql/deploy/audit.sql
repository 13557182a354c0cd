-- Deploy accolade:audit to mysql

-- The log of administrative changes, written in the change's own transaction. tenant_id 0: the operator's.
CREATE TABLE audit (
    tenant_id INT UNSIGNED   NOT NULL,
    audit_id  BINARY(16)     NOT NULL COMMENT 'UUIDv7: in the order of time, within a millisecond too',
    at_ms     BIGINT         NOT NULL,
    actor     VARCHAR(64)    NOT NULL,
    action    VARCHAR(64)    NOT NULL,
    target    VARCHAR(200)   NOT NULL,
    detail    MEDIUMTEXT     NOT NULL COMMENT 'JSON; empty: none',
    PRIMARY KEY (tenant_id, audit_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
