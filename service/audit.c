#include "service/audit.h"

#include <string.h>

#include "service/inside.h"
#include "sql/audit.h"

enum { AUDIT_BYTES_MAX = 64 * 1024 * 1024 };

static void put_line(struct arena *a, struct json_writer *w, const struct audit_row *row) {
    json_open_object(w);
    json_key(w, "id");
    json_put_str(w, uuid_text(a, row->id));
    json_key(w, "at");
    json_put_time(w, row->at_ms);
    json_key(w, "actor");
    json_put_str(w, row->actor);
    json_key(w, "action");
    json_put_str(w, row->action);
    json_key(w, "target");
    json_put_str(w, row->target);
    json_key(w, "detail");
    if (row->detail.n > 0) {
        json_put_raw(w, row->detail);
    } else {
        json_put_null(w);
    }
    json_close_object(w);
}

enum problem audit_read(struct service *s, struct arena *a, tenant_id t, struct str cursor, size_t limit, struct str *out,
                        struct faults *f) {
    struct uuid before;
    memset(before.b, 0xff, sizeof before.b);
    if (cursor.n > 0 && !uuid_of_text(cursor, &before)) return P_CURSOR;
    struct audit_row *rows;
    size_t n;
    enum db_result r = audit_page(s->db, a, t, before, limit + 1, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    struct buf b = buf_new(a, AUDIT_BYTES_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "data");
    json_open_array(&w);
    for (size_t i = 0; i < n && i < limit; i++) put_line(a, &w, &rows[i]);
    json_close_array(&w);
    json_key(&w, "next_cursor");
    if (n > limit) {
        json_put_str(&w, uuid_text(a, rows[limit - 1].id));
    } else {
        json_put_null(&w);
    }
    json_close_object(&w);
    MUST(buf_ok(&b));
    *out = buf_str(&b);
    return P_OK;
}
