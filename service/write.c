#include "service/write.h"

#include <string.h>

#include "base/trap.h"
#include "service/inside.h"
#include "sql/audit.h"

enum { WRITE_TRIES_MAX = 4 };

struct str text_etag(struct arena *a, struct str text) {
    uint8_t hash[32];
    uint64_t first;
    crypto_sha256(text, hash);
    memcpy(&first, hash, sizeof first);
    return str_printf(a, "\"%016llx\"", (unsigned long long)first);
}

static struct idempotency_row row_of(const struct write *w) {
    return (struct idempotency_row){.tenant = w->key->tenant,
                                    .key_id = w->key->key_id,
                                    .member = w->key->member,
                                    .route = w->key->route,
                                    .key = w->key->key,
                                    .fingerprint = w->key->fingerprint,
                                    .created_at = w->now_ms,
                                    .status = (uint16_t)w->status,
                                    .record = w->record.n > 0 ? w->record : w->body};
}

/* P_OK with w->replayed: the first answer; P_OK without: the key is new. */
static enum problem seen_before(struct write *w, struct write_answer *out, struct faults *f) {
    struct idempotency_row wanted = row_of(w), found;
    enum db_result r = idempotency_find(w->s->db, w->a, &wanted, &found);
    if (r == DB_NOT_FOUND) return P_OK;
    if (r != DB_OK) return service_problem(r, f);
    if (memcmp(&found.fingerprint, &w->key->fingerprint, sizeof found.fingerprint) != 0) {
        return fault_say(f, P_KEY_REUSED, "the first request with this key had another path or body");
    }
    w->replayed = true;
    *out = (struct write_answer){.status = found.status, .body = found.record, .replayed = true};
    return P_OK;
}

/* In each log by whose readers it concerns; the lines are the same but for the target. */
static enum db_result note(const struct write *w) {
    struct audit_row line = {.tenant = w->tenant,
                             .id = uuid_new(w->now_ms),
                             .at_ms = w->now_ms,
                             .actor = w->actor,
                             .action = w->action,
                             .target = w->target,
                             .detail = w->detail};
    struct tenant_row tenant;
    enum db_result r = audit_insert(w->s->db, w->a, &line);
    if (r == DB_OK && w->by_operator && w->tenant.v != 0) {
        r = tenant_by_id(w->s->db, w->a, w->tenant, &tenant);
        if (r != DB_OK) return r;
        line.tenant = (tenant_id){0};
        line.target = str_printf(w->a, "tenant/" STR_FMT "/" STR_FMT, STR_ARG(tenant.code), STR_ARG(w->target));
        r = audit_insert(w->s->db, w->a, &line);
    }
    if (r != DB_OK || w->about.v == 0) return r;
    line.tenant = w->about;
    return audit_insert(w->s->db, w->a, &line);
}

static enum db_result body(struct write *w, struct faults *f, enum problem *p) {
    struct db *db = w->s->db;
    enum db_result r = db_begin(db);
    if (r == DB_OK && w->key != NULL) {
        struct idempotency_row row = row_of(w);
        trap("before-identity");
        r = idempotency_insert(db, w->a, &row);
        if (r == DB_OK) trap("after-identity");
    }
    if (r != DB_OK) return r;
    *p = w->effect(w, f, &r);
    if (r != DB_OK || *p != P_OK) return r;
    if (w->action.n > 0) r = note(w);
    if (r == DB_OK && w->key != NULL) {
        struct idempotency_row row = row_of(w);
        r = idempotency_finish(db, w->a, &row);
    }
    if (r == DB_OK && service_is_late(w->s)) return DB_GONE;
    return r == DB_OK ? db_commit(db) : r;
}

enum problem write_once(struct write *w, struct write_answer *out, struct faults *f) {
    enum db_result r = DB_OK;
    for (int try = 0; try < WRITE_TRIES_MAX; try++) {
        enum problem p = w->key != NULL ? seen_before(w, out, f) : P_OK;
        if (p != P_OK || w->replayed) return p;
        r = body(w, f, &p);
        db_rollback(w->s->db);
        if (r == DB_OK && p == P_OK) *out = (struct write_answer){.status = w->status, .body = w->body};
        if (r == DB_OK) return p;
        /* A conflict is the key's: another request with it was quicker, and seen_before will find it. */
        if (service_is_late(w->s)) break;
        bool again = r == DB_RETRY || r == DB_GONE || (w->key != NULL && (r == DB_CONFLICT || r == DB_UNKNOWN));
        if (!again) break;
        service_count_retry(w->s, 0);
    }
    return service_problem(r == DB_CONFLICT || r == DB_NOT_FOUND ? DB_RETRY : r, f);
}
