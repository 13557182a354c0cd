-- Verify accolade:lanes on mysql

SELECT lane, owner, lease_until, day, n
  FROM lane WHERE 1 = 0;
SELECT name, lane, day, n
  FROM follower WHERE 1 = 0;
SELECT tenant_id, currency, account, balance
  FROM rollup WHERE 1 = 0;
