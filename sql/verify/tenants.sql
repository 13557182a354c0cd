-- Verify accolade:tenants on mysql

SELECT tenant_id, code, status, config_version, watermark_ms, created_at
  FROM tenant WHERE 1 = 0;
SELECT key_id, tenant_id, name, env, scopes, secret_hash, former_hash, former_until, created_at, expires_at, revoked_at
  FROM api_key WHERE 1 = 0;
