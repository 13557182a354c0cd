/* service/tenants.c: tenants of the installation. */
#include <string.h>

#include "service/draft.h"
#include "service/paging.h"
#include "service/upkeep.h"

enum { TENANT_ANSWER_MAX = CONFIG_BYTES_MAX };

enum problem tenant_find(struct service *s, struct arena *a, struct str code, struct tenant_row *out, struct faults *f) {
    enum db_result r = tenant_by_code(s->db, a, code, out);
    if (r == DB_NOT_FOUND) return fault_say(f, P_NOT_FOUND, "there is no tenant " STR_FMT, STR_ARG(code));
    return service_problem(r, f);
}

enum problem tenants_all(struct service *s, struct arena *a, struct tenant_row **out, size_t *n, struct faults *f) {
    return service_problem(tenant_list(s->db, a, out, n), f);
}

enum problem tenants_read(struct service *s, struct arena *a, struct str cursor, size_t limit, struct str *out, struct faults *f) {
    int64_t after = 0;
    if (cursor.n > 0 && !str_to_i64(cursor, 1, UINT32_MAX, &after)) return P_CURSOR;
    struct tenant_row *rows;
    size_t n;
    enum db_result r = tenant_page(s->db, a, (tenant_id){(uint32_t)after}, limit + 1, &rows, &n);
    if (r != DB_OK) return service_problem(r, f);
    struct paging page;
    paging_open(&page, a, limit);
    for (; page.n < n && !paging_full(&page); page.n++) tenant_render(&page.w, &rows[page.n]);
    *out = paging_close(&page, page.n < n ? str_printf(a, "%u", rows[page.n - 1].id.v) : STR(""));
    return P_OK;
}

void tenant_render(struct json_writer *w, const struct tenant_row *t) {
    json_open_object(w);
    json_key(w, "tenant");
    json_put_str(w, t->code);
    json_key(w, "status");
    json_put_z(w, t->status == TENANT_SUSPENDED ? "suspended" : "active");
    json_key(w, "config_version");
    json_put_i64(w, (int64_t)t->config_version);
    json_key(w, "created_at");
    json_put_time(w, t->created_at);
    json_close_object(w);
}

static struct str tenant_text(struct arena *a, const struct tenant_row *t) {
    struct buf b = buf_new(a, TENANT_ANSWER_MAX);
    struct json_writer w = json_writer_of(&b);
    tenant_render(&w, t);
    MUST(buf_ok(&b));
    return buf_str(&b);
}

/* ---- suspend and restore ---- */

struct suspend {
    struct tenant_row tenant;
    enum tenant_status status;
};

static enum problem suspend_effect(struct write *w, struct faults *f, enum db_result *r) {
    (void)f;
    struct suspend *x = w->ctx;
    *r = tenant_set_status(w->s->db, w->a, x->tenant.id, x->status);
    if (*r == DB_NOT_FOUND) {
        *r = DB_OK;
        return P_NOT_FOUND;
    }
    x->tenant.status = x->status;
    w->status = 200;
    w->body = tenant_text(w->a, &x->tenant);
    w->about = x->tenant.id;
    w->action = x->status == TENANT_SUSPENDED ? STR("tenant.suspend") : STR("tenant.restore");
    w->target = str_printf(w->a, "tenant/" STR_FMT, STR_ARG(x->tenant.code));
    return P_OK;
}

enum problem tenant_suspend(struct service *s, struct arena *a, const struct tenant_row *t, bool suspended, struct str actor,
                            const struct write_key *key, int64_t now_ms, struct write_answer *answer, struct faults *f) {
    struct suspend ctx = {*t, suspended ? TENANT_SUSPENDED : TENANT_ACTIVE};
    struct write w = {.s = s, .a = a, .key = key, .actor = actor, .now_ms = now_ms, .effect = suspend_effect, .ctx = &ctx};
    return write_once(&w, answer, f);
}

/* ---- create ---- */

/* A new tenant's first configuration is compiled before anything is written, so that a bad preset leaves no tenant behind. */
static enum problem first_window(struct arena *a, const struct json *preset, int64_t widest_ms, int64_t *window_ms, struct faults *f) {
    struct draft d = {0};
    enum problem first = draft_read(a, preset, &d, f);
    struct code_number *codes;
    config_codes(a, d.definitions, d.n, &codes, &d.in.n_codes);
    uint16_t next[CODE__MAX] = {0};
    for (size_t i = 0; i < d.in.n_codes; i++) codes[i].no = ++next[codes[i].kind];
    d.in.codes = codes;
    d.in.widest_window_ms = widest_ms;
    d.in.list = json_get(preset, "definitions");
    d.in.definitions = d.definitions;
    d.in.n_definitions = d.n;
    d.in.version = 1;
    enum problem p = program_compile(a, &d.in, &d.program, f);
    if (p == P_OK) *window_ms = d.program->window_ms;
    return first != P_OK ? first : p;
}

struct create {
    struct str code;
    const struct json *preset;
    struct tenant_made *out;
};

static enum problem create_effect(struct write *w, struct faults *f, enum db_result *r) {
    struct create *x = w->ctx;
    int64_t window_ms = WINDOW_MS_DEFAULT, widest_ms;
    *r = widest_window_ms(w->s, w->a, KEPT_READ, &widest_ms);
    if (*r != DB_OK) return P_OK;
    enum problem p = first_window(w->a, x->preset, widest_ms, &window_ms, f);
    if (p != P_OK) return p;
    /* What draft_write locks for a wide window comes before the tenant's own row, as in retention. */
    if (window_ms > WINDOW_MS_DEFAULT) *r = widest_window_ms(w->s, w->a, KEPT_LOCK, &widest_ms);
    if (*r != DB_OK) return P_OK;
    struct tenant_row *t = &x->out->tenant;
    *t = (struct tenant_row){.code = x->code, .status = TENANT_ACTIVE, .watermark_ms = w->now_ms - window_ms, .created_at = w->now_ms};
    *r = tenant_insert(w->s->db, w->a, t);
    if (*r == DB_CONFLICT) {
        *r = DB_OK;
        return fault_say(f, P_TENANT_EXISTS, "there is a tenant " STR_FMT " already", STR_ARG(x->code));
    }
    if (*r != DB_OK) return P_OK;
    struct draft d = {0};
    p = draft_make(w->s, w->a, t->id, x->preset, &d, f);
    if (p == P_OK) p = draft_write(w->s, w->a, &d, w->actor, w->now_ms, f, r);
    if (p != P_OK) return p;
    draft_result(&d, &x->out->config);
    t->config_version = x->out->config.version;
    w->status = 201;
    w->body = tenant_text(w->a, t);
    w->about = t->id;
    w->action = STR("tenant.create");
    w->target = str_printf(w->a, "tenant/" STR_FMT, STR_ARG(x->code));
    return P_OK;
}

enum problem tenant_create(struct service *s, struct arena *a, struct str code, const struct json *preset, struct str actor,
                           const struct write_key *key, int64_t now_ms, struct tenant_made *out, struct write_answer *answer,
                           struct faults *f) {
    if (!code_is_valid(code)) {
        return fault_add(f, P_VALIDATION, STR("/tenant"),
                         "must begin with a letter or digit and hold only letters, digits, '.', '_', '-', ':' (at most %d)",
                         CODE_BYTES_MAX);
    }
    static const struct json_member nothing[] = {{{"definitions", 11}, {.type = JSON_ARRAY}}};
    static const struct json empty = {.type = JSON_OBJECT, .n = 1, .members = nothing};
    struct create ctx = {.code = code, .preset = preset != NULL ? preset : &empty, .out = out};
    struct write w = {.s = s, .a = a, .key = key, .actor = actor, .now_ms = now_ms, .effect = create_effect, .ctx = &ctx};
    return write_once(&w, answer, f);
}
