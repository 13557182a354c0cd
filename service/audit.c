#include "service/audit.h"

#include <string.h>

#include "service/inside.h"
#include "service/paging.h"
#include "sql/audit.h"

enum { ROWS_AT_ONCE = 16 }; /* the detail of a large change may have hundreds of KiB */

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
    size_t n = ROWS_AT_ONCE;
    bool more = false;
    struct paging page;
    paging_open(&page, a, limit);
    while (n == ROWS_AT_ONCE && !more) {
        struct audit_row *rows;
        enum db_result r = audit_page(s->db, a, t, before, ROWS_AT_ONCE, &rows, &n);
        if (r != DB_OK) return service_problem(r, f);
        for (size_t i = 0; i < n && !more; i++) {
            more = paging_full(&page);
            if (more) break;
            put_line(a, &page.w, &rows[i]);
            before = rows[i].id;
            page.n++;
        }
    }
    *out = paging_close(&page, more ? uuid_text(a, before) : STR(""));
    return P_OK;
}
