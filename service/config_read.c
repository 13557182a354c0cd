/* service/config_read.c: a configuration as it stands and as it was. */
#include "service/draft.h"

enum { CONFIG_TEXT_MAX = 16 * CONFIG_BYTES_MAX };

enum problem config_rows(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct definition_row **rows, size_t *n,
                         struct faults *f) {
    *rows = NULL;
    *n = 0;
    return version == 0 ? P_OK : service_problem(definitions_at(s->db, a, t, version, rows, n), f);
}

/* kind "" : all. */
static enum problem export_rows(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct str kind, struct str *out,
                                struct faults *f) {
    struct definition_row *rows;
    size_t n;
    enum problem p = config_rows(s, a, t, version, &rows, &n, f);
    if (p != P_OK) return p;
    struct buf b = buf_new(a, CONFIG_TEXT_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "version");
    json_put_i64(&w, (int64_t)version);
    json_key(&w, "definitions");
    json_open_array(&w);
    for (size_t i = 0; i < n; i++) {
        if (kind.n == 0 || str_eq(kind, rows[i].kind)) json_put_raw(&w, rows[i].body);
    }
    json_close_array(&w);
    json_close_object(&w);
    MUST(buf_ok(&b));
    *out = buf_str(&b);
    return P_OK;
}

enum problem config_export(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct str *out, struct faults *f) {
    return export_rows(s, a, t, version, STR(""), out, f);
}

enum problem config_of_kind(struct service *s, struct arena *a, const struct tenant_row *t, struct str kind, struct str *out,
                            struct faults *f) {
    if (kind_find(kind) == NULL) return fault_say(f, P_NOT_FOUND, "there is no kind \"" STR_FMT "\"", STR_ARG(kind));
    return export_rows(s, a, t->id, t->config_version, kind, out, f);
}

enum problem config_get(struct service *s, struct arena *a, const struct tenant_row *t, struct str kind, struct str code, struct str *out,
                        uint64_t *version, struct faults *f) {
    struct definition_row *rows;
    size_t n;
    enum problem p = config_rows(s, a, t->id, t->config_version, &rows, &n, f);
    for (size_t i = 0; i < n && p == P_OK; i++) {
        if (!str_eq(rows[i].kind, kind) || !str_eq(rows[i].code, code)) continue;
        *out = rows[i].body;
        *version = rows[i].version;
        return P_OK;
    }
    return p == P_OK ? fault_say(f, P_NOT_FOUND, "there is no " STR_FMT " \"" STR_FMT "\"", STR_ARG(kind), STR_ARG(code)) : p;
}

enum problem config_history(struct service *s, struct arena *a, const struct tenant_row *t, struct str kind, struct str code,
                            struct str *out, struct faults *f) {
    struct definition_row *rows;
    size_t n;
    enum db_result r = definition_history(s->db, a, t->id, kind, code, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    if (n == 0) return fault_say(f, P_NOT_FOUND, "there never was a " STR_FMT " \"" STR_FMT "\"", STR_ARG(kind), STR_ARG(code));
    struct buf b = buf_new(a, CONFIG_TEXT_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "data");
    json_open_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_open_object(&w);
        json_key(&w, "version");
        json_put_i64(&w, (int64_t)rows[i].version);
        json_key(&w, "until");
        if (rows[i].until != 0) {
            json_put_i64(&w, (int64_t)rows[i].until);
        } else {
            json_put_null(&w);
        }
        json_key(&w, "definition");
        json_put_raw(&w, rows[i].body);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    MUST(buf_ok(&b));
    *out = buf_str(&b);
    return P_OK;
}

enum problem config_versions(struct service *s, struct arena *a, const struct tenant_row *t, struct str cursor, size_t limit,
                             struct str *out, struct faults *f) {
    int64_t before = INT64_MAX;
    if (cursor.n > 0 && !str_to_i64(cursor, 1, INT64_MAX, &before)) return P_CURSOR;
    struct version_row *rows;
    size_t n;
    enum db_result r = versions_page(s->db, a, t->id, (uint64_t)before, limit + 1, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    struct buf b = buf_new(a, CONFIG_TEXT_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "data");
    json_open_array(&w);
    for (size_t i = 0; i < n && i < limit; i++) {
        json_open_object(&w);
        json_key(&w, "version");
        json_put_i64(&w, (int64_t)rows[i].version);
        json_key(&w, "created_at");
        json_put_time(&w, rows[i].created_at);
        json_key(&w, "actor");
        json_put_str(&w, rows[i].actor);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_key(&w, "next_cursor");
    if (n > limit) {
        json_put_str(&w, str_printf(a, "%llu", (unsigned long long)rows[limit - 1].version));
    } else {
        json_put_null(&w);
    }
    json_close_object(&w);
    MUST(buf_ok(&b));
    *out = buf_str(&b);
    return P_OK;
}
