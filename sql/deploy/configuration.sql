-- Deploy accolade:configuration to mysql

CREATE TABLE config_version (
    tenant_id    INT UNSIGNED    NOT NULL,
    version      BIGINT UNSIGNED NOT NULL,
    created_at   BIGINT          NOT NULL,
    actor        VARBINARY(64)   NOT NULL COMMENT 'a key id, or command',
    zone_before  VARBINARY(64)   NOT NULL COMMENT 'the zone that this version replaced; empty: none',
    zone_from_ms BIGINT          NOT NULL COMMENT 'from when the new zone counts',
    PRIMARY KEY (tenant_id, version)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A definition counts from the version that brought it until the one that ended it (exclusive; 0: current).
-- The body is text, not JSON: MySQL sorts the members of a JSON column anew.
CREATE TABLE definition (
    tenant_id     INT UNSIGNED    NOT NULL,
    kind          VARBINARY(32)   NOT NULL,
    code          VARBINARY(64)   NOT NULL,
    version       BIGINT UNSIGNED NOT NULL,
    until_version BIGINT UNSIGNED NOT NULL,
    body          MEDIUMTEXT      NOT NULL,
    PRIMARY KEY (tenant_id, kind, code, version),
    KEY definition_until (tenant_id, until_version)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Append-only: state rows, entries and outcomes hold these numbers for ever.
CREATE TABLE code_number (
    tenant_id INT UNSIGNED      NOT NULL,
    kind      TINYINT UNSIGNED  NOT NULL COMMENT 'enum code_kind',
    code      VARBINARY(128)    NOT NULL,
    code_no   SMALLINT UNSIGNED NOT NULL,
    PRIMARY KEY (tenant_id, kind, code),
    UNIQUE KEY code_number_no (tenant_id, kind, code_no)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
