-- Deploy accolade:members to mysql

-- The only place of a member's external id, and of the key that opens what is sealed of the member.
-- Erased: the external id is \0 and the member_no, the key NULL.
CREATE TABLE member_key (
    tenant_id   INT UNSIGNED     NOT NULL,
    external_id VARBINARY(128)   NOT NULL,
    member_no   BIGINT UNSIGNED  NOT NULL COMMENT 'random',
    sealing_key BINARY(16)       NULL,
    state       TINYINT UNSIGNED NOT NULL COMMENT '0 active, 2 erased, 3 merged',
    PRIMARY KEY (tenant_id, external_id),
    UNIQUE KEY member_key_no (tenant_id, member_no)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The state row: the mutex of everything that belongs to a member. One upsert creates, locks and bumps it.
CREATE TABLE member_state (
    tenant_id INT UNSIGNED    NOT NULL,
    member_no BIGINT UNSIGNED NOT NULL,
    version   BIGINT UNSIGNED NOT NULL,
    hot       VARBINARY(2048) NOT NULL COMMENT 'what an ordinary award changes',
    cold      VARBINARY(4096) NOT NULL COMMENT 'the rest',
    PRIMARY KEY (tenant_id, member_no)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE member_profile (
    tenant_id     INT UNSIGNED    NOT NULL,
    member_no     BIGINT UNSIGNED NOT NULL,
    display_name  VARCHAR(200)    NOT NULL,
    attributes    TEXT            NOT NULL COMMENT 'a JSON object; empty: none',
    member_groups TEXT            NOT NULL COMMENT 'a JSON object; empty: none',
    PRIMARY KEY (tenant_id, member_no)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Counters of closed periods; period_kind 0 (ever) at 0 holds what removed definitions leave.
CREATE TABLE member_period (
    tenant_id    INT UNSIGNED     NOT NULL,
    member_no    BIGINT UNSIGNED  NOT NULL,
    period_kind  TINYINT UNSIGNED NOT NULL,
    period_start BIGINT           NOT NULL,
    counters     MEDIUMBLOB       NOT NULL,
    PRIMARY KEY (tenant_id, member_no, period_kind, period_start)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Paid events of rules with a cooldown; read only for an event older than the last paid one.
CREATE TABLE rule_paid (
    tenant_id  INT UNSIGNED      NOT NULL,
    member_no  BIGINT UNSIGNED   NOT NULL,
    rule_no    SMALLINT UNSIGNED NOT NULL,
    event_time BIGINT            NOT NULL,
    PRIMARY KEY (tenant_id, member_no, rule_no, event_time)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What another member's event causes for this one: inserted without the member's lock, settled and deleted under it.
CREATE TABLE derived_event (
    tenant_id  INT UNSIGNED    NOT NULL,
    member_no  BIGINT UNSIGNED NOT NULL,
    derived_id BINARY(16)      NOT NULL,
    created_at BIGINT          NOT NULL,
    body       BLOB            NOT NULL,
    PRIMARY KEY (tenant_id, member_no, derived_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
