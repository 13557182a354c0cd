-- Deploy accolade:idempotency to mysql

CREATE TABLE idempotency (
    tenant_id     INT UNSIGNED      NOT NULL,
    key_id        VARBINARY(16)     NOT NULL COMMENT 'the credential',
    member_no     BIGINT UNSIGNED   NOT NULL COMMENT 'of a member token, else 0',
    route         VARBINARY(128)    NOT NULL COMMENT 'method and pattern',
    client_key    VARBINARY(255)    NOT NULL,
    fingerprint   BINARY(16)        NOT NULL,
    created_at    BIGINT            NOT NULL,
    status        SMALLINT UNSIGNED NOT NULL,
    day           INT UNSIGNED      NOT NULL COMMENT 'position of the outcome; lane 0: the record is it',
    lane          SMALLINT UNSIGNED NOT NULL,
    n             BIGINT UNSIGNED   NOT NULL,
    i             SMALLINT UNSIGNED NOT NULL,
    answer_record MEDIUMTEXT        NOT NULL COMMENT 'what else the answer is rendered from; no secrets',
    PRIMARY KEY (tenant_id, key_id, member_no, route, client_key),
    KEY idempotency_created (created_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
