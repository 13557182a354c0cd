-- Revert accolade:lanes from mysql

DROP TABLE rollup;
DROP TABLE follower;
DROP TABLE lane;
