#include "sql/events.h"

#include <string.h>

#include "base/limits.h"
#include "sql/statements.h"

static void bind_key(struct call *c, const struct idempotency_row *row) {
    call_u32(c, row->tenant.v);
    call_bytes(c, row->key_id);
    call_u64(c, row->member.v);
    call_bytes(c, row->route);
    call_bytes(c, row->key);
}

static void bind_answer(struct call *c, const struct idempotency_row *row) {
    call_u64(c, row->status);
    call_u64(c, row->at.day);
    call_u64(c, row->at.lane);
    call_u64(c, row->at.n);
    call_u64(c, row->at.i);
    call_bytes(c, row->record);
}

enum db_result idempotency_find(struct db *db, struct arena *a, const struct idempotency_row *wanted, struct idempotency_row *out) {
    struct call c = call_of(db, STMT_IDEMPOTENCY_FIND, a, 1);
    bind_key(&c, wanted);
    call_i64(&c, wanted->created_at - IDEMPOTENCY_MS);
    enum db_result r = call_run(&c);
    if (r) return r;
    if (!call_next(&c)) return DB_NOT_FOUND;
    *out = *wanted;
    struct str fingerprint = col_bytes(&c);
    MUST(fingerprint.n == HASH16_BYTES); /* BINARY(16) NOT NULL */
    memcpy(out->fingerprint.b, fingerprint.p, HASH16_BYTES);
    out->created_at = col_i64(&c);
    out->status = (uint16_t)col_u64(&c);
    out->at.day = (uint32_t)col_u64(&c);
    out->at.lane = (uint16_t)col_u64(&c);
    out->at.n = col_u64(&c);
    out->at.i = (uint16_t)col_u64(&c);
    out->record = col_bytes(&c);
    return DB_OK;
}

enum db_result idempotency_insert(struct db *db, struct arena *a, const struct idempotency_row *row) {
    struct call old = call_of(db, STMT_IDEMPOTENCY_FORGET, a, 1);
    bind_key(&old, row);
    call_i64(&old, row->created_at - IDEMPOTENCY_MS);
    enum db_result r = call_run(&old);
    if (r) return r;
    struct call c = call_of(db, STMT_IDEMPOTENCY_INSERT, a, 1);
    bind_key(&c, row);
    call_bytes(&c, (struct str){(const char *)row->fingerprint.b, HASH16_BYTES});
    call_i64(&c, row->created_at);
    bind_answer(&c, row);
    return call_run(&c);
}

enum db_result idempotency_finish(struct db *db, struct arena *a, const struct idempotency_row *row) {
    struct call c = call_of(db, STMT_IDEMPOTENCY_FINISH, a, 1);
    bind_answer(&c, row);
    bind_key(&c, row);
    enum db_result r = call_run(&c);
    return r ? r : c.affected ? DB_OK : DB_NOT_FOUND;
}

enum db_result idempotency_purge(struct db *db, struct arena *a, int64_t before_ms, size_t limit, uint64_t *n_out) {
    struct call c = call_of(db, STMT_IDEMPOTENCY_PURGE, a, 1);
    call_i64(&c, before_ms);
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    *n_out = c.affected;
    return r;
}
