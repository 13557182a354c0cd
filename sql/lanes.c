#include "sql/events.h"

#include <string.h>

#include "sql/statements.h"

static struct str owner_str(const struct uuid *owner) { return (struct str){(const char *)owner->b, sizeof owner->b}; }

static enum db_result met_one(struct call *c) {
    enum db_result r = call_run(c);
    return r ? r : c->affected ? DB_OK : DB_NOT_FOUND;
}

enum db_result lanes_read(struct db *db, struct arena *a, struct lane_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_LANES_READ, a, 1);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct lane_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        struct lane_row *l = &(*out)[i];
        l->lane = (uint16_t)col_u64(&c);
        struct str owner = col_bytes(&c);
        MUST(owner.n == sizeof l->owner.b); /* BINARY(16) NOT NULL */
        memcpy(l->owner.b, owner.p, sizeof l->owner.b);
        l->lease_until = col_i64(&c);
        l->day = (uint32_t)col_u64(&c);
        l->n = col_u64(&c);
    }
    return r;
}

enum db_result lane_take(struct db *db, struct arena *a, const struct lane_row *as_read, struct uuid owner, int64_t lease_until) {
    struct call c = call_of(db, STMT_LANE_TAKE, a, 1);
    call_bytes(&c, owner_str(&owner));
    call_i64(&c, lease_until);
    call_u64(&c, as_read->lane);
    call_bytes(&c, owner_str(&as_read->owner));
    call_i64(&c, as_read->lease_until);
    call_u64(&c, as_read->n);
    return met_one(&c);
}

enum db_result lane_create(struct db *db, struct arena *a, uint16_t lane, struct uuid owner, int64_t lease_until, uint32_t day) {
    struct call c = call_of(db, STMT_LANE_CREATE, a, 1);
    call_u64(&c, lane);
    call_bytes(&c, owner_str(&owner));
    call_i64(&c, lease_until);
    call_u64(&c, day);
    return call_run(&c);
}

enum db_result lane_write(struct db *db, struct arena *a, const struct lane_row *l) {
    struct call c = call_of(db, STMT_LANE_WRITE, a, 1);
    call_i64(&c, l->lease_until);
    call_u64(&c, l->day);
    call_u64(&c, l->n);
    call_u64(&c, l->lane);
    call_bytes(&c, owner_str(&l->owner));
    return met_one(&c);
}

enum db_result lane_renew(struct db *db, struct arena *a, const struct lane_row *l) {
    struct call c = call_of(db, STMT_LANE_RENEW, a, 1);
    call_i64(&c, l->lease_until);
    call_u64(&c, l->lane);
    call_bytes(&c, owner_str(&l->owner));
    return met_one(&c);
}

enum db_result lane_release(struct db *db, struct arena *a, const struct lane_row *l) {
    struct call c = call_of(db, STMT_LANE_RELEASE, a, 1);
    call_u64(&c, l->lane);
    call_bytes(&c, owner_str(&l->owner));
    return met_one(&c);
}

/* ---- followers and tenant-side balances ---- */

enum db_result followers_read(struct db *db, struct arena *a, struct str name, struct follower_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_FOLLOWERS_READ, a, 1);
    call_bytes(&c, name);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct follower_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        struct follower_row *f = &(*out)[i];
        f->name = name;
        f->lane = (uint16_t)col_u64(&c);
        f->day = (uint32_t)col_u64(&c);
        f->n = col_u64(&c);
    }
    return r;
}

/* The upsert of the row of lane 0 creates it, locks it and bumps it, as states_lock does with a member's. */
enum db_result followers_lock(struct db *db, struct arena *a, struct str name, struct follower_row **out, size_t *n_out) {
    MUST(db_in_transaction(db));
    struct call c = call_of(db, STMT_FOLLOWER_LOCK, a, 1);
    call_bytes(&c, name);
    enum db_result r = call_run(&c);
    *out = NULL;
    *n_out = 0;
    return r ? r : followers_read(db, a, name, out, n_out);
}

enum db_result follower_write(struct db *db, struct arena *a, const struct follower_row *f) {
    MUST(f->lane > 0); /* 0 is the lock */
    struct call c = call_of(db, STMT_FOLLOWER_WRITE, a, 1);
    call_bytes(&c, f->name);
    call_u64(&c, f->lane);
    call_u64(&c, f->day);
    call_u64(&c, f->n);
    return call_run(&c);
}

enum db_result rollups_add(struct db *db, struct arena *a, const struct rollup_row *rows, size_t n) {
    struct call c = call_of(db, STMT_ROLLUPS_ADD, a, n);
    for (size_t i = 0; i < n; i++) {
        call_u32(&c, rows[i].tenant.v);
        call_u64(&c, rows[i].currency);
        call_u64(&c, rows[i].account);
        call_i64(&c, rows[i].balance);
    }
    return call_run(&c);
}

enum db_result rollups_read(struct db *db, struct arena *a, tenant_id t, struct rollup_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_ROLLUPS_READ, a, 1);
    call_u32(&c, t.v);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct rollup_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        struct rollup_row *row = &(*out)[i];
        row->tenant.v = (uint32_t)col_u64(&c);
        row->currency = (uint16_t)col_u64(&c);
        row->account = (uint8_t)col_u64(&c);
        row->balance = col_i64(&c);
    }
    return r;
}
