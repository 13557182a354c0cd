-- Verify accolade:members on mysql

SELECT tenant_id, external_id, member_no, sealing_key, state
  FROM member_key WHERE 1 = 0;
SELECT tenant_id, member_no, version, hot, cold
  FROM member_state WHERE 1 = 0;
SELECT tenant_id, member_no, display_name, attributes, member_groups
  FROM member_profile WHERE 1 = 0;
SELECT tenant_id, member_no, period_kind, period_start, counters
  FROM member_period WHERE 1 = 0;
SELECT tenant_id, member_no, rule_no, event_time
  FROM rule_paid WHERE 1 = 0;
SELECT tenant_id, member_no, derived_id, created_at, body
  FROM derived_event WHERE 1 = 0;
