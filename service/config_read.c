/* service/config_read.c: a configuration as it stands and as it was. */
#include "service/copies.h"
#include "service/draft.h"
#include "service/paging.h"

enum { ROWS_AT_ONCE = 8 }; /* each may be as long as a whole configuration */

enum problem config_rows(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct definition_row **rows, size_t *n,
                         struct faults *f) {
    *rows = NULL;
    *n = 0;
    return version == 0 ? P_OK : service_problem(definitions_at(s->db, a, t, version, rows, n), f);
}

static struct str rows_text(struct arena *a, const struct definition_row *rows, size_t n, uint64_t version, struct str kind) {
    struct buf b = buf_new(a, SIZE_MAX); /* draft_make bounds a configuration */
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
    return buf_str(&b);
}

enum problem config_export(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct str *out, struct faults *f) {
    struct definition_row *rows;
    size_t n;
    enum problem p = config_rows(s, a, t, version, &rows, &n, f);
    if (p == P_OK) *out = rows_text(a, rows, n, version, STR(""));
    return p;
}

enum problem config_at(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct str *out, struct faults *f) {
    struct version_row row;
    enum db_result r = version == 0 ? DB_OK : version_read(s->db, a, t, version, &row);
    if (r == DB_NOT_FOUND) return fault_say(f, P_NOT_FOUND, "the configuration never had version %llu", (unsigned long long)version);
    return r == DB_OK ? config_export(s, a, t, version, out, f) : service_problem(r, f);
}

/* What is not there: of a kind that does not exist, which ones do. */
static enum problem nothing(struct arena *a, const char *is, struct str kind, struct str code, struct faults *f) {
    if (kind_find(kind) == NULL)
        return fault_say(f, P_NOT_FOUND, "there is no kind \"" STR_FMT "\"; the kinds are " STR_FMT, STR_ARG(kind), STR_ARG(kind_names(a)));
    return fault_say(f, P_NOT_FOUND, "there %s a " STR_FMT " \"" STR_FMT "\"", is, STR_ARG(kind), STR_ARG(code));
}

/* What a version has never changes: a copy of its text will do to be shown (DESIGN 8, "catalogues"), but nothing is made from it. */
enum problem config_of_kind(struct service *s, struct arena *a, const struct tenant_row *t, struct str kind, struct str *out,
                            struct faults *f) {
    if (kind.n > 0 && kind_find(kind) == NULL) return nothing(a, "is not", kind, STR(""), f);
    struct str what = str_printf(a, "config.%llu." STR_FMT, (unsigned long long)t->config_version, STR_ARG(kind));
    struct copy_name name = copy_name_of(s, a, t->id, NULL, what);
    struct definition_row *rows;
    size_t n;
    if (copy_find(s, a, &name, out)) return P_OK;
    enum problem p = config_rows(s, a, t->id, t->config_version, &rows, &n, f);
    if (p != P_OK) return p;
    *out = rows_text(a, rows, n, t->config_version, kind);
    copy_keep(s, a, &name, *out);
    return P_OK;
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
    return p == P_OK ? nothing(a, "is not", kind, code, f) : p;
}

/* Both lists have a version as their cursor: the page begins below it. */
static bool cursor_read(struct str cursor, int64_t *before) {
    *before = INT64_MAX;
    return cursor.n == 0 || str_to_i64(cursor, 1, INT64_MAX, before);
}

static struct str cursor_of(struct arena *a, int64_t version) { return str_printf(a, "%lld", (long long)version); }

static void put_definition(struct json_writer *w, const struct definition_row *row) {
    json_open_object(w);
    json_key(w, "version");
    json_put_i64(w, (int64_t)row->version);
    json_key(w, "until");
    if (row->until != 0) {
        json_put_i64(w, (int64_t)row->until);
    } else {
        json_put_null(w);
    }
    json_key(w, "definition");
    json_put_raw(w, row->body);
    json_close_object(w);
}

enum problem config_history(struct service *s, struct arena *a, const struct tenant_row *t, struct str kind, struct str code,
                            struct str cursor, size_t limit, struct str *out, struct faults *f) {
    int64_t before;
    size_t n = ROWS_AT_ONCE;
    bool more = false;
    struct paging page;
    if (!cursor_read(cursor, &before)) return P_CURSOR;
    paging_open(&page, a, limit);
    while (n == ROWS_AT_ONCE && !more) {
        struct definition_row *rows;
        enum db_result r = definition_history(s->db, a, t->id, kind, code, (uint64_t)before, ROWS_AT_ONCE, &rows, &n);
        if (r != DB_OK) return service_problem(r, f);
        for (size_t i = 0; i < n && !more; i++) {
            more = paging_full(&page);
            if (more) break;
            put_definition(&page.w, &rows[i]);
            before = (int64_t)rows[i].version;
            page.n++;
        }
    }
    if (page.n == 0 && cursor.n == 0) return nothing(a, "never was", kind, code, f);
    *out = paging_close(&page, more ? cursor_of(a, before) : STR(""));
    return P_OK;
}

enum problem config_versions(struct service *s, struct arena *a, const struct tenant_row *t, struct str cursor, size_t limit,
                             struct str *out, struct faults *f) {
    int64_t before;
    struct version_row *rows;
    size_t n;
    if (!cursor_read(cursor, &before)) return P_CURSOR;
    enum db_result r = versions_page(s->db, a, t->id, (uint64_t)before, limit + 1, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    struct paging page;
    paging_open(&page, a, limit);
    for (; page.n < n && !paging_full(&page); page.n++) {
        const struct version_row *row = &rows[page.n];
        json_open_object(&page.w);
        json_key(&page.w, "version");
        json_put_i64(&page.w, (int64_t)row->version);
        json_key(&page.w, "created_at");
        json_put_time(&page.w, row->created_at);
        json_key(&page.w, "actor");
        json_put_str(&page.w, row->actor);
        json_close_object(&page.w);
    }
    *out = paging_close(&page, page.n < n ? cursor_of(a, (int64_t)rows[page.n - 1].version) : STR(""));
    return P_OK;
}
