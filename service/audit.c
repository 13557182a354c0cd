#include "service/audit.h"

#include <string.h>

#include "service/inside.h"
#include "service/paging.h"
#include "sql/audit.h"
#include "sql/members.h"

enum { ROWS_AT_ONCE = 16 }; /* the detail of a large change may have hundreds of KiB */

struct names { /* the keys of the members that some lines name */
    struct member_key_row *keys;
    size_t n;
};

static bool member_named(const struct audit_row *row, member_no *out) {
    static const struct str before = {"member/", 7};
    int64_t no;
    if (!str_starts(row->target, before.p)) return false;
    if (!str_to_i64((struct str){row->target.p + before.n, row->target.n - before.n}, 1, INT64_MAX, &no)) return false;
    *out = (member_no){(uint64_t)no};
    return true;
}

static enum db_result names_find(struct service *s, struct arena *a, tenant_id t, const struct audit_row *rows, size_t n,
                                 struct names *out) {
    member_no *nos = NEW_ARRAY(a, member_no, n);
    size_t n_nos = 0;
    *out = (struct names){0};
    for (size_t i = 0; i < n; i++) {
        if (member_named(&rows[i], &nos[n_nos])) n_nos++;
    }
    return n_nos > 0 ? member_keys_by_no(s->db, a, t, nos, n_nos, &out->keys, &out->n) : DB_OK;
}

static struct str name_of(const struct audit_row *row, const struct names *names) {
    member_no no;
    bool named = member_named(row, &no);
    for (size_t i = 0; named && i < names->n; i++) {
        if (names->keys[i].member.v == no.v && names->keys[i].has_key) return names->keys[i].external_id;
    }
    return STR("");
}

static void put_line(struct arena *a, struct json_writer *w, const struct audit_row *row, const struct names *names) {
    struct str member = name_of(row, names);
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
    json_key(w, "member");
    json_put_text(w, member);
    json_key(w, "detail");
    if (row->detail.n > 0) {
        json_put_raw(w, row->detail);
    } else {
        json_put_null(w);
    }
    json_close_object(w);
}

enum problem audit_read(struct service *s, struct arena *a, tenant_id t, bool members, struct str cursor, size_t limit, struct str *out,
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
        struct names names = {0};
        if (r == DB_OK && members) r = names_find(s, a, t, rows, n, &names);
        if (r != DB_OK) return service_problem(r, f);
        for (size_t i = 0; i < n && !more; i++) {
            more = paging_full(&page);
            if (more) break;
            put_line(a, &page.w, &rows[i], &names);
            before = rows[i].id;
            page.n++;
        }
    }
    *out = paging_close(&page, more ? uuid_text(a, before) : STR(""));
    return P_OK;
}
