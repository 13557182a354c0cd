#include "sql/members.h"

#include <string.h>

#include "base/log.h"
#include "sql/statements.h"

/* What the database holds is not one of our encodings. */
static enum db_result damaged(const char *table, struct member_ref m) {
    log_line(LOG_ERROR, "database", "what=\"damaged row\" table=%s tenant=%u member_no=%llu", table, m.tenant.v,
             (unsigned long long)m.member.v);
    return DB_FATAL;
}

static bool ref_before(struct member_ref a, struct member_ref b) {
    return a.tenant.v != b.tenant.v ? a.tenant.v < b.tenant.v : a.member.v < b.member.v;
}

static void bind_ref(struct call *c, struct member_ref m) {
    call_u32(c, m.tenant.v);
    call_u64(c, m.member.v);
}

static struct member_ref read_ref(struct call *c) {
    struct member_ref m;
    m.tenant.v = (uint32_t)col_u64(c);
    m.member.v = col_u64(c);
    return m;
}

/* ---- state rows ---- */

enum db_result states_lock(struct db *db, struct arena *a, const struct member_ref *m, size_t n) {
    MUST(db_in_transaction(db));
    struct call c = call_of(db, STMT_STATES_LOCK, a, n);
    for (size_t i = 0; i < n; i++) {
        MUST(i == 0 || ref_before(m[i - 1], m[i]));
        bind_ref(&c, m[i]);
    }
    return call_run(&c);
}

enum db_result state_try_lock(struct db *db, struct arena *a, struct member_ref m) {
    MUST(!db_in_transaction(db));
    struct call c = call_of(db, STMT_STATE_TRY_LOCK, a, 1);
    bind_ref(&c, m);
    return call_run(&c);
}

/* Of the columns that come next, hot and cold. */
static enum db_result read_state(struct call *c, struct member_ref m, uint64_t version, struct member_state *out) {
    struct str hot = col_bytes(c), cold = col_bytes(c);
    if (!state_decode(c->arena, hot, cold, out)) return damaged("member_state", m);
    out->tenant = m.tenant;
    out->member = m.member;
    out->version = version;
    return DB_OK;
}

static enum db_result states_run(struct call *c, struct member_state **out, size_t *n_out) {
    enum db_result r = call_run(c);
    *n_out = 0;
    *out = NEW_ARRAY(c->arena, struct member_state, call_count(c));
    while (!r && call_next(c)) {
        struct member_ref m = read_ref(c);
        uint64_t version = col_u64(c);
        r = read_state(c, m, version, &(*out)[(*n_out)++]);
    }
    return r;
}

enum db_result states_load(struct db *db, struct arena *a, const struct member_ref *m, size_t n, struct member_state **out, size_t *n_out) {
    struct call c = call_of(db, STMT_STATES_LOAD, a, n);
    for (size_t i = 0; i < n; i++) bind_ref(&c, m[i]);
    return states_run(&c, out, n_out);
}

static enum db_result read_member(struct call *c, struct member_row *row) {
    struct member_ref m = read_ref(c);
    row->name = (struct member_name){m.tenant, col_bytes(c)};
    struct str key = col_bytes(c);
    if (key.n != SEAL_KEY_BYTES) return damaged("member_key", m);
    memcpy(row->sealing_key, key.p, SEAL_KEY_BYTES);
    row->config_version = col_u64(c);
    uint64_t version = col_u64(c);
    row->sum = (uint32_t)col_u64(c);
    row->state = NEW(c->arena, struct member_state);
    return read_state(c, m, version, row->state);
}

enum db_result members_load(struct db *db, struct arena *a, const struct member_name *wanted, size_t n, struct member_row **out,
                            size_t *n_out) {
    struct call c = call_of(db, STMT_MEMBERS_LOAD, a, n);
    for (size_t i = 0; i < n; i++) {
        call_u32(&c, wanted[i].tenant.v);
        call_bytes(&c, wanted[i].external_id);
    }
    enum db_result r = call_run(&c);
    *n_out = 0;
    *out = NEW_ARRAY(a, struct member_row, call_count(&c));
    while (!r && call_next(&c)) r = read_member(&c, &(*out)[(*n_out)++]);
    return r;
}

enum db_result member_load_whole(struct db *db, struct arena *a, const struct member_name *wanted, struct member_row *out,
                                 struct profile_row *profile) {
    struct call c = call_of(db, STMT_MEMBER_LOAD_WHOLE, a, 1);
    call_u32(&c, wanted->tenant.v);
    call_bytes(&c, wanted->external_id);
    enum db_result r = call_run(&c);
    if (r || !call_next(&c)) return r ? r : DB_NOT_FOUND;
    r = read_member(&c, out);
    if (r) return r;
    *profile = (struct profile_row){.m = {out->state->tenant, out->state->member}};
    profile->display_name = col_bytes(&c);
    profile->attributes = col_bytes(&c);
    profile->groups = col_bytes(&c);
    return DB_OK;
}

/* Where nobody's cold part changed it stays out of the statement, and so out of the redo log. */
enum db_result states_write(struct db *db, struct arena *a, const struct member_state *const *s, size_t n) {
    bool cold = false;
    for (size_t i = 0; i < n; i++) cold = cold || s[i]->cold_dirty;
    struct call c = call_of(db, cold ? STMT_STATES_WRITE : STMT_STATES_WRITE_HOT, a, n);
    for (size_t i = 0; i < n; i++) {
        bind_ref(&c, (struct member_ref){s[i]->tenant, s[i]->member});
        call_u64(&c, s[i]->version);
        call_bytes(&c, state_encode_hot(a, s[i]));
        if (cold) call_bytes(&c, state_encode_cold(a, s[i]));
    }
    return call_run(&c);
}

/* ---- closed periods ---- */

static enum db_result closed_run(struct call *c, struct closed_row **out, size_t *n_out) {
    enum db_result r = call_run(c);
    *n_out = 0;
    *out = NEW_ARRAY(c->arena, struct closed_row, call_count(c));
    while (!r && call_next(c)) {
        struct closed_row *row = &(*out)[(*n_out)++];
        row->m = read_ref(c);
        row->period.kind = (enum period_kind)col_u64(c);
        row->period.start = col_i64(c);
        if (!closed_decode(c->arena, col_bytes(c), &row->period)) return damaged("member_period", row->m);
    }
    return r;
}

enum db_result closed_load(struct db *db, struct arena *a, const struct closed_row *wanted, size_t n, struct closed_row **out,
                           size_t *n_out) {
    struct call c = call_of(db, STMT_CLOSED_LOAD, a, n);
    for (size_t i = 0; i < n; i++) {
        bind_ref(&c, wanted[i].m);
        call_u64(&c, wanted[i].period.kind);
        call_i64(&c, wanted[i].period.start);
    }
    return closed_run(&c, out, n_out);
}

enum db_result closed_write(struct db *db, struct arena *a, const struct closed_row *rows, size_t n) {
    struct call c = call_of(db, STMT_CLOSED_WRITE, a, n);
    for (size_t i = 0; i < n; i++) {
        bind_ref(&c, rows[i].m);
        call_u64(&c, rows[i].period.kind);
        call_i64(&c, rows[i].period.start);
        call_bytes(&c, closed_encode(a, &rows[i].period));
    }
    return call_run(&c);
}

/* ---- payments ---- */

/* One statement per range: only an event older than the rule's last paid one asks for it. */
enum db_result payments_load(struct db *db, struct arena *a, const struct payment_range *wanted, size_t n, struct payment_row **out,
                             size_t *n_out) {
    LIST(struct payment_row) rows = {0};
    enum db_result r = DB_OK;
    for (size_t i = 0; !r && i < n; i++) {
        struct call c = call_of(db, STMT_PAYMENTS_LOAD, a, 1);
        bind_ref(&c, wanted[i].m);
        call_u64(&c, wanted[i].need.rule);
        call_i64(&c, wanted[i].need.from_ms);
        call_i64(&c, wanted[i].need.to_ms);
        r = call_run(&c);
        while (!r && call_next(&c)) {
            struct payment_row *row = LIST_PUSH(a, &rows);
            row->m = read_ref(&c);
            row->rule = (uint16_t)col_u64(&c);
            row->time_ms = col_i64(&c);
        }
    }
    *out = rows.items;
    *n_out = rows.n;
    return r;
}

enum db_result payments_insert(struct db *db, struct arena *a, const struct payment_row *rows, size_t n) {
    struct call c = call_of(db, STMT_PAYMENTS_INSERT, a, n);
    for (size_t i = 0; i < n; i++) {
        bind_ref(&c, rows[i].m);
        call_u64(&c, rows[i].rule);
        call_i64(&c, rows[i].time_ms);
    }
    return call_run(&c);
}

enum db_result payments_purge(struct db *db, struct arena *a, tenant_id t, int64_t before_ms, size_t limit, uint64_t *n_out) {
    struct call c = call_of(db, STMT_PAYMENTS_PURGE, a, 1);
    call_u32(&c, t.v);
    call_i64(&c, before_ms);
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    *n_out = c.affected;
    return r;
}
