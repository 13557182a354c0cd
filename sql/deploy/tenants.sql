-- Deploy accolade:tenants to mysql

CREATE TABLE tenant (
    tenant_id      INT UNSIGNED     NOT NULL AUTO_INCREMENT,
    code           VARBINARY(64)    NOT NULL,
    status         TINYINT UNSIGNED NOT NULL COMMENT '0 active, 1 suspended',
    config_version BIGINT UNSIGNED  NOT NULL COMMENT '0: no configuration yet',
    watermark_ms   BIGINT           NOT NULL COMMENT 'no event at or before it is accepted',
    created_at     BIGINT           NOT NULL,
    PRIMARY KEY (tenant_id),
    UNIQUE KEY tenant_code (code)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- tenant_id 0: an operator's. Times are milliseconds since 1970 in UTC, 0: never.
CREATE TABLE api_key (
    key_id       VARBINARY(16) NOT NULL,
    tenant_id    INT UNSIGNED  NOT NULL,
    name         VARCHAR(200)  NOT NULL,
    env          VARBINARY(16) NOT NULL,
    scopes       INT UNSIGNED  NOT NULL,
    secret_hash  BINARY(32)    NOT NULL,
    former_hash  BINARY(32)    NULL COMMENT 'valid until former_until: the overlap of a rotation',
    former_until BIGINT        NOT NULL,
    created_at   BIGINT        NOT NULL,
    expires_at   BIGINT        NOT NULL,
    revoked_at   BIGINT        NOT NULL,
    PRIMARY KEY (key_id),
    KEY api_key_tenant (tenant_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
