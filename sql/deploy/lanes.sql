-- Deploy accolade:lanes to mysql

-- One per connection that writes members' data. Its owner alone gives positions (day, lane, n, i).
CREATE TABLE lane (
    lane        SMALLINT UNSIGNED NOT NULL,
    owner       BINARY(16)        NOT NULL,
    lease_until BIGINT            NOT NULL,
    day         INT UNSIGNED      NOT NULL,
    n           BIGINT UNSIGNED   NOT NULL,
    PRIMARY KEY (lane)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Up to where a reader of the change log has come in each lane. Lane 0 is the follower's lock; its n counts the times it was taken.
CREATE TABLE follower (
    name VARBINARY(64)     NOT NULL,
    lane SMALLINT UNSIGNED NOT NULL,
    day  INT UNSIGNED      NOT NULL,
    n    BIGINT UNSIGNED   NOT NULL,
    PRIMARY KEY (name, lane)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Tenant-side balances, folded from the lanes in the transaction that writes the follower's position.
CREATE TABLE rollup (
    tenant_id INT UNSIGNED      NOT NULL,
    currency  SMALLINT UNSIGNED NOT NULL,
    account   TINYINT UNSIGNED  NOT NULL,
    balance   BIGINT            NOT NULL,
    PRIMARY KEY (tenant_id, currency, account)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
