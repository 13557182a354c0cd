-- Deploy accolade:member_directory to mysql

-- What lists of members filter by, beside the profile: copies of the state row's type and status, written with it. A member with neither a
-- type nor a profile that was never suspended has no row here.
ALTER TABLE member_profile
    ADD COLUMN member_type VARBINARY(64)    NOT NULL DEFAULT '' COMMENT 'a copy of the state row''s',
    ADD COLUMN status      TINYINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'a copy of the state row''s: 0 active, 1 suspended',
    ADD KEY member_profile_type (tenant_id, member_type, member_no),
    ADD KEY member_profile_status (tenant_id, status, member_no);

-- The cold part begins with format, status, length of the type, type.
INSERT INTO member_profile (tenant_id, member_no, display_name, attributes, member_groups, member_type, status)
SELECT tenant_id, member_no, '', '', '', SUBSTRING(cold, 4, ORD(SUBSTRING(cold, 3, 1))), ORD(SUBSTRING(cold, 2, 1))
  FROM member_state
 WHERE LENGTH(cold) > 3 AND ORD(SUBSTRING(cold, 2, 1)) < 2 AND SUBSTRING(cold, 2, 2) <> X'0000'
    ON DUPLICATE KEY UPDATE member_type = VALUES(member_type), status = VALUES(status);

-- Who is in a group: the pairs of member_profile.member_groups.
CREATE TABLE member_group (
    tenant_id  INT UNSIGNED    NOT NULL,
    group_kind VARBINARY(64)   NOT NULL,
    group_code VARBINARY(64)   NOT NULL,
    member_no  BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (tenant_id, group_kind, group_code, member_no),
    KEY member_group_member (tenant_id, member_no)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO member_group (tenant_id, group_kind, group_code, member_no)
SELECT DISTINCT p.tenant_id, k.group_kind, c.group_code, p.member_no
  FROM member_profile p
  JOIN JSON_TABLE(JSON_KEYS(NULLIF(p.member_groups, '')), '$[*]' COLUMNS (group_kind VARCHAR(64) PATH '$')) k
  JOIN JSON_TABLE(JSON_EXTRACT(NULLIF(p.member_groups, ''), CONCAT('$.', JSON_QUOTE(k.group_kind))), '$[*]'
                  COLUMNS (group_code VARCHAR(64) PATH '$')) c
 WHERE k.group_kind IS NOT NULL AND c.group_code IS NOT NULL;
