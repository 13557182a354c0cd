-- Deploy accolade:token_keys to mysql

-- The keys that member tokens are signed with: each belongs to one tenant, and to one algorithm for good. A token names its key, so the key
-- comes first here as in api_key.
CREATE TABLE token_key (
    kid        VARBINARY(16)    NOT NULL,
    tenant_id  INT UNSIGNED     NOT NULL,
    name       VARCHAR(200)     NOT NULL,
    algorithm  TINYINT UNSIGNED NOT NULL COMMENT '1 HS256, 2 RS256, 3 ES256, 4 EdDSA',
    material   VARBINARY(4096)  NOT NULL COMMENT 'the secret, or the public key, sealed with a key of the tenant''s',
    created_at BIGINT           NOT NULL,
    revoked_at BIGINT           NOT NULL COMMENT '0: never',
    PRIMARY KEY (kid),
    KEY token_key_tenant (tenant_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
