#include "sql/events.h"

#include <string.h>

#include "base/limits.h"
#include "sql/statements.h"

static struct str bytes16(const uint8_t b[16]) { return (struct str){(const char *)b, 16}; }

static void read16(struct call *c, uint8_t out[16]) {
    struct str s = col_bytes(c);
    MUST(s.n == 16); /* BINARY(16) NOT NULL */
    memcpy(out, s.p, 16);
}

static void bind_position(struct call *c, struct position at) {
    call_u64(c, at.day);
    call_u64(c, at.lane);
    call_u64(c, at.n);
    call_u64(c, at.i);
}

static struct position read_position(struct call *c) {
    struct position at;
    at.day = (uint32_t)col_u64(c);
    at.lane = (uint16_t)col_u64(c);
    at.n = col_u64(c);
    at.i = (uint16_t)col_u64(c);
    return at;
}

/* ---- identities ---- */

static bool identity_before(const struct identity_row *a, const struct identity_row *b) {
    if (a->tenant.v != b->tenant.v) return a->tenant.v < b->tenant.v;
    return memcmp(a->identity.b, b->identity.b, HASH16_BYTES) < 0;
}

enum db_result identities_find(struct db *db, struct arena *a, const struct identity_row *wanted, size_t n, struct identity_row **out,
                               size_t *n_out) {
    struct call c = call_of(db, STMT_IDENTITIES_FIND, a, n);
    for (size_t i = 0; i < n; i++) {
        call_u32(&c, wanted[i].tenant.v);
        call_bytes(&c, bytes16(wanted[i].identity.b));
    }
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct identity_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        struct identity_row *row = &(*out)[i];
        row->tenant.v = (uint32_t)col_u64(&c);
        read16(&c, row->identity.b);
        read16(&c, row->fingerprint.b);
        row->at = read_position(&c);
        row->received_at = col_i64(&c);
    }
    return r;
}

enum db_result identity_try_lock(struct db *db, struct arena *a, const struct identity_row *row) {
    MUST(!db_in_transaction(db));
    struct call c = call_of(db, STMT_IDENTITY_TRY_LOCK, a, 1);
    call_u32(&c, row->tenant.v);
    call_bytes(&c, bytes16(row->identity.b));
    return call_run(&c);
}

enum db_result identities_insert(struct db *db, struct arena *a, const struct identity_row *rows, size_t n) {
    MUST(db_in_transaction(db));
    struct call c = call_of(db, STMT_IDENTITIES_INSERT, a, n);
    for (size_t i = 0; i < n; i++) {
        MUST(i == 0 || identity_before(&rows[i - 1], &rows[i]));
        MUST(rows[i].received_at >= 0);
        call_u32(&c, rows[i].tenant.v);
        call_bytes(&c, bytes16(rows[i].identity.b));
        call_bytes(&c, bytes16(rows[i].fingerprint.b));
        bind_position(&c, rows[i].at);
        call_i64(&c, rows[i].received_at);
        call_u64(&c, (uint64_t)(rows[i].received_at / MS_DAY));
    }
    return call_run(&c);
}

enum db_result identities_purge(struct db *db, struct arena *a, uint32_t before_day, size_t limit, uint64_t *n_out) {
    struct call c = call_of(db, STMT_IDENTITIES_PURGE, a, 1);
    call_u64(&c, before_day);
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    *n_out = c.affected;
    return r;
}

/* ---- outcomes ---- */

enum db_result outcomes_insert(struct db *db, struct arena *a, const struct outcome_row *rows, size_t n) {
    struct call c = call_of(db, STMT_OUTCOMES_INSERT, a, n);
    for (size_t i = 0; i < n; i++) {
        bind_position(&c, rows[i].at);
        call_u64(&c, rows[i].of);
        call_u32(&c, rows[i].tenant.v);
        call_u64(&c, rows[i].member.v);
        call_u64(&c, rows[i].member_version);
        call_bytes(&c, rows[i].clear);
        call_bytes(&c, rows[i].sealed);
    }
    return call_run(&c);
}

static void outcome_read(struct call *c, struct outcome_row *o) {
    o->at = read_position(c);
    o->of = (uint16_t)col_u64(c);
    o->tenant.v = (uint32_t)col_u64(c);
    o->member.v = col_u64(c);
    o->member_version = col_u64(c);
    o->clear = col_bytes(c);
    o->sealed = col_bytes(c);
}

static enum db_result outcomes_run(struct call *c, struct outcome_row **out, size_t *n_out) {
    enum db_result r = call_run(c);
    *n_out = call_count(c);
    *out = NEW_ARRAY(c->arena, struct outcome_row, *n_out);
    for (size_t i = 0; call_next(c); i++) outcome_read(c, &(*out)[i]);
    return r;
}

enum db_result outcomes_find(struct db *db, struct arena *a, const struct outcome_ref *refs, size_t n, struct outcome_row **out,
                             size_t *n_out) {
    struct call c = call_of(db, STMT_OUTCOMES_FIND, a, n);
    for (size_t i = 0; i < n; i++) {
        bind_position(&c, refs[i].at);
        call_u32(&c, refs[i].tenant.v);
    }
    return outcomes_run(&c, out, n_out);
}

enum db_result outcomes_backwards(struct db *db, struct arena *a, tenant_id t, member_no m, uint64_t before_version, size_t limit,
                                  struct outcome_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_OUTCOMES_BACKWARDS, a, 1);
    call_u32(&c, t.v);
    call_u64(&c, m.v);
    call_u64(&c, before_version);
    call_u64(&c, limit);
    return outcomes_run(&c, out, n_out);
}
