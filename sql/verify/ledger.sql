-- Verify accolade:ledger on mysql

SELECT tenant_id, member_no, currency, part, seq, amount, balance_after, kind, contra, cause_day, cause_lane, cause_n, cause_i, transfer, created_at, hash
  FROM entry WHERE 1 = 0;
