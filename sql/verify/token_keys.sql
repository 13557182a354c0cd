-- Verify accolade:token_keys on mysql

SELECT kid, tenant_id, name, algorithm, material, created_at, revoked_at FROM token_key WHERE 1 = 0;
