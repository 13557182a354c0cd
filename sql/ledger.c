#include "sql/ledger.h"

#include <string.h>

#include "sql/statements.h"

static struct str bytes16(const uint8_t b[16]) { return (struct str){(const char *)b, 16}; }

static void read16(struct call *c, uint8_t out[16]) {
    struct str s = col_bytes(c);
    MUST(s.n == 16); /* BINARY(16) NOT NULL */
    memcpy(out, s.p, 16);
}

enum db_result entries_insert(struct db *db, struct arena *a, const struct entry_row *rows, size_t n) {
    struct call c = call_of(db, STMT_ENTRIES_INSERT, a, n);
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = &rows[i].e;
        call_u32(&c, rows[i].m.tenant.v);
        call_u64(&c, rows[i].m.member.v);
        call_u64(&c, e->currency);
        call_u64(&c, e->part);
        call_u64(&c, e->seq);
        call_i64(&c, e->amount);
        call_i64(&c, e->balance_after);
        call_u64(&c, e->kind);
        call_u64(&c, e->contra);
        call_u64(&c, e->cause.day);
        call_u64(&c, e->cause.lane);
        call_u64(&c, e->cause.n);
        call_u64(&c, e->cause.i);
        call_bytes(&c, bytes16(e->transfer.b));
        call_i64(&c, e->created_at);
        call_bytes(&c, bytes16(e->hash.b));
    }
    return call_run(&c);
}

static enum db_result entries_run(struct call *c, struct entry_row **out, size_t *n_out) {
    enum db_result r = call_run(c);
    *n_out = call_count(c);
    *out = NEW_ARRAY(c->arena, struct entry_row, *n_out);
    for (size_t i = 0; call_next(c); i++) {
        struct entry_row *row = &(*out)[i];
        struct entry *e = &row->e;
        row->m.tenant.v = (uint32_t)col_u64(c);
        row->m.member.v = col_u64(c);
        e->currency = (uint16_t)col_u64(c);
        e->part = (enum part)col_u64(c);
        e->seq = col_u64(c);
        e->amount = col_i64(c);
        e->balance_after = col_i64(c);
        e->kind = (enum transfer_kind)col_u64(c);
        e->contra = (enum account)col_u64(c);
        e->cause.day = (uint32_t)col_u64(c);
        e->cause.lane = (uint16_t)col_u64(c);
        e->cause.n = col_u64(c);
        e->cause.i = (uint16_t)col_u64(c);
        read16(c, e->transfer.b);
        e->created_at = col_i64(c);
        read16(c, e->hash.b);
    }
    return r;
}

static void bind_wallet(struct call *c, struct member_ref m, uint16_t currency, enum part part) {
    call_u32(c, m.tenant.v);
    call_u64(c, m.member.v);
    call_u64(c, currency);
    call_u64(c, part);
}

enum db_result entries_ascending(struct db *db, struct arena *a, struct member_ref m, uint16_t currency, enum part part, uint64_t after,
                                 size_t limit, struct entry_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_ENTRIES_ASCENDING, a, 1);
    bind_wallet(&c, m, currency, part);
    call_u64(&c, after);
    call_u64(&c, limit);
    return entries_run(&c, out, n_out);
}

static void bind_filter(struct call *c, struct member_ref m, const struct entry_filter *f) {
    bind_wallet(c, m, f->currency, f->part);
    call_u64(c, f->before ? f->before : INT64_MAX);
    call_i64(c, f->from_ms);
    call_i64(c, f->to_ms ? f->to_ms : INT64_MAX);
    call_u64(c, f->kinds ? f->kinds : UINT32_MAX);
}

enum db_result entries_page(struct db *db, struct arena *a, struct member_ref m, const struct entry_filter *f, size_t limit,
                            struct entry_row **out, size_t *n_out) {
    struct call c = call_of(db, STMT_ENTRIES_PAGE, a, 1);
    bind_filter(&c, m, f);
    call_u64(&c, limit);
    return entries_run(&c, out, n_out);
}

enum db_result entries_sum(struct db *db, struct arena *a, struct member_ref m, const struct entry_filter *f, struct entry_sums *out) {
    struct call c = call_of(db, STMT_ENTRIES_SUM, a, 1);
    bind_filter(&c, m, f);
    enum db_result r = call_run(&c);
    if (r || !call_next(&c)) return r ? r : DB_NOT_FOUND;
    out->earned = col_i64(&c);
    int64_t taken = col_i64(&c);
    out->spent = -taken;
    out->net = out->earned + taken;
    out->count = (uint64_t)col_i64(&c);
    return DB_OK;
}

enum db_result wallets_with_entries(struct db *db, struct arena *a, struct member_ref m, struct wallet_ref **out, size_t *n_out) {
    struct call c = call_of(db, STMT_WALLETS_WITH_ENTRIES, a, 1);
    call_u32(&c, m.tenant.v);
    call_u64(&c, m.member.v);
    enum db_result r = call_run(&c);
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct wallet_ref, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        struct wallet_ref *w = &(*out)[i];
        w->currency = (uint16_t)col_u64(&c);
        w->part = (enum part)col_u64(&c);
        w->last_seq = col_u64(&c);
    }
    return r;
}
