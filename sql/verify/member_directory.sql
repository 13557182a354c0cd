-- Verify accolade:member_directory on mysql

SELECT tenant_id, member_no, member_type, status FROM member_profile WHERE 1 = 0;
SELECT tenant_id, group_kind, group_code, member_no FROM member_group WHERE 1 = 0;
