#include "sql/audit.h"

#include <string.h>

#include "sql/statements.h"

static struct str uuid_bytes(const struct uuid *u) { return (struct str){(const char *)u->b, sizeof u->b}; }

enum db_result audit_insert(struct db *db, struct arena *a, const struct audit_row *row) {
    struct call c = call_of(db, STMT_AUDIT_INSERT, a, 1);
    call_u32(&c, row->tenant.v);
    call_bytes(&c, uuid_bytes(&row->id));
    call_i64(&c, row->at_ms);
    call_bytes(&c, row->actor);
    call_bytes(&c, row->action);
    call_bytes(&c, row->target);
    call_bytes(&c, row->detail);
    return call_run(&c);
}

enum db_result audit_page(struct db *db, struct arena *a, tenant_id t, struct uuid before, size_t limit, struct audit_row **out,
                          size_t *n_out) {
    struct call c = call_of(db, STMT_AUDIT_PAGE, a, 1);
    call_u32(&c, t.v);
    call_bytes(&c, uuid_bytes(&before));
    call_u64(&c, limit);
    enum db_result r = call_run(&c);
    if (r) return r;
    *n_out = call_count(&c);
    *out = NEW_ARRAY(a, struct audit_row, *n_out);
    for (size_t i = 0; call_next(&c); i++) {
        struct audit_row *row = &(*out)[i];
        row->tenant = t;
        struct str id = col_bytes(&c);
        MUST(id.n == sizeof row->id.b); /* BINARY(16) NOT NULL */
        memcpy(row->id.b, id.p, id.n);
        row->at_ms = col_i64(&c);
        row->actor = col_bytes(&c);
        row->action = col_bytes(&c);
        row->target = col_bytes(&c);
        row->detail = col_bytes(&c);
    }
    return DB_OK;
}
