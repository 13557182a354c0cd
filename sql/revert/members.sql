-- Revert accolade:members from mysql

DROP TABLE derived_event;
DROP TABLE rule_paid;
DROP TABLE member_period;
DROP TABLE member_profile;
DROP TABLE member_state;
DROP TABLE member_key;
