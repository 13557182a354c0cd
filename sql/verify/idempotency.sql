-- Verify accolade:idempotency on mysql

SELECT tenant_id, key_id, member_no, route, client_key, fingerprint, created_at, status, day, lane, n, i, answer_record
  FROM idempotency WHERE 1 = 0;
