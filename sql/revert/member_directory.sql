-- Revert accolade:member_directory from mysql

DROP TABLE member_group;
DELETE FROM member_profile WHERE display_name = '' AND attributes = '' AND member_groups = '';
ALTER TABLE member_profile
    DROP KEY member_profile_status,
    DROP KEY member_profile_type,
    DROP COLUMN status,
    DROP COLUMN member_type;
