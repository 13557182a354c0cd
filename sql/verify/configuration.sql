-- Verify accolade:configuration on mysql

SELECT tenant_id, version, created_at, actor, zone_before, zone_from_ms
  FROM config_version WHERE 1 = 0;
SELECT tenant_id, kind, code, version, until_version, body
  FROM definition WHERE 1 = 0;
SELECT tenant_id, kind, code, code_no
  FROM code_number WHERE 1 = 0;
