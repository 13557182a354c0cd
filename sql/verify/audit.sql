-- Verify accolade:audit on mysql

SELECT tenant_id, audit_id, at_ms, actor, action, target, detail FROM audit WHERE 0;
