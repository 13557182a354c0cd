-- Deploy accolade:ledger to mysql

-- Immutable. Clustered by member, with no second index: a member's history is one range.
CREATE TABLE entry (
    tenant_id     INT UNSIGNED      NOT NULL,
    member_no     BIGINT UNSIGNED   NOT NULL,
    currency      SMALLINT UNSIGNED NOT NULL,
    part          TINYINT UNSIGNED  NOT NULL,
    seq           BIGINT UNSIGNED   NOT NULL,
    amount        BIGINT            NOT NULL,
    balance_after BIGINT            NOT NULL,
    kind          TINYINT UNSIGNED  NOT NULL,
    contra        TINYINT UNSIGNED  NOT NULL COMMENT 'the account on the other side',
    cause_day     INT UNSIGNED      NOT NULL COMMENT 'the outcome that caused it',
    cause_lane    SMALLINT UNSIGNED NOT NULL,
    cause_n       BIGINT UNSIGNED   NOT NULL,
    cause_i       SMALLINT UNSIGNED NOT NULL,
    transfer      BINARY(16)        NOT NULL,
    created_at    BIGINT            NOT NULL,
    hash          BINARY(16)        NOT NULL COMMENT 'over the predecessor (ledger hash)',
    PRIMARY KEY (tenant_id, member_no, currency, part, seq)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
