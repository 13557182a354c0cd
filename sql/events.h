/* sql/events.h: identities, outcomes, lanes, followers, Idempotency-Keys: what makes everything happen exactly once. */
#ifndef SQL_EVENTS_H
#define SQL_EVENTS_H

#include "base/crypto/crypto.h"
#include "sql/db.h"

struct identity_row {
    tenant_id tenant;
    struct hash16 identity, fingerprint;
    struct position at;  /* of its outcome */
    int64_t received_at; /* first receipt, ms */
};
enum db_result identities_find(struct db *db, struct arena *a, const struct identity_row *wanted, size_t n, struct identity_row **out,
                               size_t *n_out);
/* Step 1 of MECHANICS 2: sorted by (tenant, identity), no duplicates (MUST); existing rows stay; waits for a transaction that
 * has one of them in work. Then identities_find tells whose each is: ours where the position read back is ours. */
enum db_result identities_insert(struct db *db, struct arena *a, const struct identity_row *rows, size_t n);
/* Outside a transaction: DB_BUSY where another transaction has it in work at this moment. Nobody is waited for, nothing stays locked. */
enum db_result identity_try_lock(struct db *db, struct arena *a, const struct identity_row *row);
enum db_result identities_purge(struct db *db, struct arena *a, uint32_t before_day, size_t limit, uint64_t *n_out);

struct outcome_row {
    struct position at;
    uint16_t of;
    tenant_id tenant;
    member_no member;
    uint64_t member_version;
    struct str clear, sealed;
};
enum db_result outcomes_insert(struct db *db, struct arena *a, const struct outcome_row *rows, size_t n);
/* By position; the tenant must be given and is part of the condition. */
struct outcome_ref {
    tenant_id tenant;
    struct position at;
};
enum db_result outcomes_find(struct db *db, struct arena *a, const struct outcome_ref *refs, size_t n, struct outcome_row **out,
                             size_t *n_out);
/* The latest outcomes of a member below a version, newest first. */
enum db_result outcomes_backwards(struct db *db, struct arena *a, tenant_id t, member_no m, uint64_t before_version, size_t limit,
                                  struct outcome_row **out, size_t *n_out);

struct lane_row {
    uint16_t lane;
    struct uuid owner;
    int64_t lease_until;
    uint32_t day;
    uint64_t n;
};
enum db_result lanes_read(struct db *db, struct arena *a, struct lane_row **out, size_t *n_out);
/* Takes a lane whose lease ran out (conditional on the owner, lease and n read) or inserts the next number. DB_NOT_FOUND or DB_CONFLICT:
 * somebody was quicker, try the next. Autocommit. */
enum db_result lane_take(struct db *db, struct arena *a, const struct lane_row *as_read, struct uuid owner, int64_t lease_until);
enum db_result lane_create(struct db *db, struct arena *a, uint16_t lane, struct uuid owner, int64_t lease_until, uint32_t day);
/* Step 7: DB_NOT_FOUND: the lane is no longer ours. */
enum db_result lane_write(struct db *db, struct arena *a, const struct lane_row *l);
/* The lease alone: a server that is late may do it after the owner's next transaction, and must not set back where the lane ends.
 * DB_NOT_FOUND as above. Autocommit. */
enum db_result lane_renew(struct db *db, struct arena *a, const struct lane_row *l);
enum db_result lane_release(struct db *db, struct arena *a, const struct lane_row *l);

struct follower_row {
    struct str name;
    uint16_t lane;
    uint32_t day;
    uint64_t n;
};
enum db_result followers_read(struct db *db, struct arena *a, struct str name, struct follower_row **out, size_t *n_out);
enum db_result followers_lock(struct db *db, struct arena *a, struct str name, struct follower_row **out,
                              size_t *n_out); /* until the transaction ends */
enum db_result follower_write(struct db *db, struct arena *a, const struct follower_row *f);
struct rollup_row {
    tenant_id tenant;
    uint16_t currency;
    uint8_t account;
    int64_t balance;
};
enum db_result rollups_add(struct db *db, struct arena *a, const struct rollup_row *rows, size_t n);
enum db_result rollups_read(struct db *db, struct arena *a, tenant_id t, struct rollup_row **out, size_t *n_out);

struct idempotency_row {
    tenant_id tenant;
    struct str key_id; /* the credential */
    member_no member;  /* of a member token, else 0 */
    struct str route;  /* method and pattern */
    struct str key;    /* the client's, at most 255 bytes */
    struct hash16 fingerprint;
    int64_t created_at;
    uint16_t status;    /* 0: still in work (never committed so) */
    struct position at; /* of the outcome that the answer is rendered from; lane 0: `record` is it */
    struct str record;  /* what else is needed to render the answer, JSON text without secrets */
};
enum db_result idempotency_find(struct db *db, struct arena *a, const struct idempotency_row *wanted, struct idempotency_row *out);
/* First statement of the write's transaction; DB_CONFLICT where it exists (waits for one in work; DB_BUSY after 1 s). */
enum db_result idempotency_insert(struct db *db, struct arena *a, const struct idempotency_row *row);
/* Before COMMIT: writes status, position and record of the row inserted above. */
enum db_result idempotency_finish(struct db *db, struct arena *a, const struct idempotency_row *row);
enum db_result idempotency_purge(struct db *db, struct arena *a, int64_t before_ms, size_t limit, uint64_t *n_out);

#endif
