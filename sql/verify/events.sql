-- Verify accolade:events on mysql

SELECT tenant_id, identity, fingerprint, day, lane, n, i, received_at, received_day
  FROM event_identity WHERE 1 = 0;
SELECT day, lane, n, i, rows_of, tenant_id, member_no, member_version, clear, sealed
  FROM outcome WHERE 1 = 0;
