#include "service/draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "service/upkeep.h"

/* ---- what an apply would do ---- */

enum problem draft_read(struct arena *a, const struct json *document, struct draft *d, struct faults *f) {
    static const char *const known[] = {"version", "definitions"};
    if (document->type != JSON_OBJECT) return fault_add(f, P_VALIDATION, STR(""), "must be an object with definitions");
    for (uint32_t i = 0; i < document->n; i++) {
        bool ok = false;
        for (size_t k = 0; k < COUNT(known); k++) ok = ok || str_is(document->members[i].key, known[k]);
        if (!ok)
            fault_add(f, P_VALIDATION, pointer_child(a, STR(""), document->members[i].key),
                      "unknown member; known are: version, definitions");
    }
    const struct json *version = json_get(document, "version");
    int64_t n;
    d->from = FROM_UNSAID;
    if (version != NULL && !json_is_integer(version, 0, JSON_INTEGER_MAX, &n)) {
        fault_add(f, P_VALIDATION, STR("/version"), "must be a whole number");
    } else if (version != NULL) {
        d->from = (uint64_t)n;
    }
    const struct json *list = json_get(document, "definitions");
    if (list == NULL) return fault_add(f, P_VALIDATION, STR("/definitions"), "is required");
    enum problem p = config_split(a, list, STR("/definitions"), &d->definitions, &d->n, f);
    return f->list.n > 0 ? f->list.items[0].problem : p;
}

static int by_kind_and_code(struct str kind_a, struct str code_a, struct str kind_b, struct str code_b) {
    int c = str_cmp(kind_a, kind_b);
    return c != 0 ? c : str_cmp(code_a, code_b);
}

static int rows_by_code(const void *x, const void *y) {
    const struct definition_row *a = x, *b = y;
    return by_kind_and_code(a->kind, a->code, b->kind, b->code);
}

static void note(struct arena *a, struct draft *d, enum change_made what, struct str kind, struct str code, struct str before,
                 struct str after) {
    *LIST_PUSH(a, &d->changes) = (struct config_change){what, kind, code, before, after};
    struct definition_row row = {.kind = kind, .code = code, .body = after, .version = d->in.version};
    if (what != CHANGE_CREATED) *LIST_PUSH(a, &d->ended) = row;
    if (what != CHANGE_DELETED) *LIST_PUSH(a, &d->brought) = row;
}

/* Both lists are sorted by kind and code: one walk over the two. */
static void compare(struct arena *a, struct draft *d) {
    if (d->n_rows > 0) qsort(d->rows, d->n_rows, sizeof *d->rows, rows_by_code);
    d->texts = NEW_ARRAY(a, struct str, d->n);
    for (size_t i = 0; i < d->n; i++) d->texts[i] = definition_text(a, &d->definitions[i]);
    size_t i = 0, j = 0;
    while (i < d->n || j < d->n_rows) {
        const struct definition *def = &d->definitions[i];
        const struct definition_row *row = &d->rows[j];
        int c = i == d->n ? 1 : j == d->n_rows ? -1 : by_kind_and_code(def->kind, def->code, row->kind, row->code);
        if (c < 0) {
            note(a, d, CHANGE_CREATED, def->kind, def->code, STR(""), d->texts[i]);
        } else if (c > 0) {
            note(a, d, CHANGE_DELETED, row->kind, row->code, row->body, STR(""));
        } else if (!str_eq(d->texts[i], row->body)) {
            note(a, d, CHANGE_CHANGED, def->kind, def->code, row->body, d->texts[i]);
        }
        i += c <= 0;
        j += c >= 0;
    }
}

static uint16_t highest_number(const struct code_number *codes, size_t n, enum code_kind kind) {
    uint16_t highest = 0;
    for (size_t i = 0; i < n; i++) {
        if (codes[i].kind == kind && codes[i].no > highest) highest = codes[i].no;
    }
    return highest;
}

/* The numbers that the tenant has, and new ones for what has none yet. */
static enum problem number_codes(struct service *s, struct arena *a, struct draft *d, struct faults *f) {
    struct code_number *stored, *wanted;
    size_t n_stored, n_wanted;
    enum db_result r = codes_read(s->db, a, d->tenant.id, &stored, &n_stored);
    if (r != DB_OK) return service_problem(r, f);
    config_codes(a, d->definitions, d->n, &wanted, &n_wanted);
    struct code_number *all = NEW_ARRAY(a, struct code_number, n_stored + n_wanted);
    if (n_stored > 0) memcpy(all, stored, n_stored * sizeof *all);
    size_t n = n_stored;
    for (size_t i = 0; i < n_wanted; i++) {
        if (code_has_number(&wanted[i], all, n)) continue;
        uint16_t highest = highest_number(all, n, wanted[i].kind);
        if (highest == UINT16_MAX) return fault_say(f, P_DEFINITION, "the tenant has used up all numbers for codes of this kind");
        all[n] = wanted[i];
        all[n].no = (uint16_t)(highest + 1);
        *LIST_PUSH(a, &d->new_codes) = all[n++];
    }
    d->in.codes = all;
    d->in.n_codes = n;
    return P_OK;
}

/* A changed zone counts from the next midnight of the old one (SEMANTICS 35). */
static enum problem note_zone_change(struct service *s, struct arena *a, struct draft *d, int64_t now_ms, struct str *before,
                                     int64_t *from_ms, struct faults *f) {
    const struct program *old;
    *before = STR("");
    *from_ms = 0;
    if (d->tenant.config_version == 0) return P_OK;
    enum problem p = program_get(s, d->tenant.id, d->tenant.config_version, &old, f);
    if (p == P_CONFIG_UNUSABLE) return P_OK; /* this very document mends it */
    if (p != P_OK) return p;
    if (str_eq(old->zone->name, d->program->zone->name)) return P_OK;
    bool pending = old->zone_from_ms > now_ms;
    const struct zone *now_in = pending ? old->zone_before : old->zone;
    if (str_eq(now_in->name, d->program->zone->name)) return P_OK; /* taken back before it came to count */
    *before = str_copy(a, now_in->name);
    *from_ms = period_end(now_in, PERIOD_DAY, now_ms);
    return P_OK;
}

static uint32_t depth_of(const struct json *v) {
    uint32_t deepest = 0;
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT) return 0;
    for (uint32_t i = 0; i < v->n; i++) {
        uint32_t depth = depth_of(v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value);
        if (depth > deepest) deepest = depth;
    }
    return deepest + 1;
}

static enum problem check_depths(const struct draft *d, struct faults *f) {
    enum problem p = P_OK;
    for (size_t i = 0; i < d->n; i++) {
        const struct definition *one = &d->definitions[i];
        if (depth_of(&one->body) + JSON_WRAPPING_MAX > JSON_DEPTH_MAX)
            p = fault_add(f, P_DEFINITION, one->pointer, "is nested deeper than a definition of a configuration may be: %d levels",
                          JSON_DEPTH_MAX - JSON_WRAPPING_MAX);
    }
    return p;
}

/* Every fault of the document in one answer: what could be split off is compiled all the same. */
static enum problem compile(struct service *s, struct arena *a, const struct json *document, struct draft *d, struct faults *f) {
    enum problem first = draft_read(a, document, d, f);
    enum problem p = number_codes(s, a, d, f);
    if (p != P_OK) return p;
    enum db_result r = widest_window_ms(s, a, KEPT_READ, &d->in.widest_window_ms);
    if (r != DB_OK) return service_problem(r, f);
    d->in.tenant = d->tenant.id;
    d->in.version = d->tenant.config_version + 1;
    d->in.list = json_get(document, "definitions");
    d->in.definitions = d->definitions;
    d->in.n_definitions = d->n;
    p = program_compile(a, &d->in, &d->program, f);
    enum problem deep = check_depths(d, f);
    return first != P_OK ? first : p != P_OK ? p : deep;
}

/* ---- how large it may become ---- */

static size_t values_of(const struct json *v) {
    size_t n = 1;
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT) return n;
    for (uint32_t i = 0; i < v->n; i++) n += values_of(v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value);
    return n;
}

/* What is exported must be a body that can be applied, also where it was put together from parts. */
static enum problem check_whole(const struct draft *d, struct faults *f) {
    static const char wrapping[] = "{\"version\":9007199254740992,\"definitions\":[]}";
    size_t bytes = sizeof wrapping, values = 3; /* the object, its version, its list */
    for (size_t i = 0; i < d->n; i++) {
        const struct definition *one = &d->definitions[i];
        bytes += d->texts[i].n + 1;
        values += values_of(&one->body) + 1; /* settings may lack their code, which is exported */
    }
    if (bytes > CONFIG_BYTES_MAX)
        return fault_add(f, P_DEFINITION, STR("/definitions"), "a whole configuration has at most %d bytes; this would be %zu",
                         CONFIG_BYTES_MAX, bytes);
    if (values > JSON_NODES_MAX)
        return fault_add(f, P_DEFINITION, STR("/definitions"), "a whole configuration has at most %d values; this would be %zu",
                         JSON_NODES_MAX, values);
    return P_OK;
}

enum problem draft_make(struct service *s, struct arena *a, tenant_id t, const struct json *document, struct draft *d, struct faults *f) {
    enum db_result r = tenant_by_id(s->db, a, t, &d->tenant);
    if (r != DB_OK) return r == DB_NOT_FOUND ? P_NOT_FOUND : service_problem(r, f);
    enum problem p = compile(s, a, document, d, f);
    if (p == P_OK) p = config_rows(s, a, t, d->tenant.config_version, &d->rows, &d->n_rows, f);
    if (p != P_OK) return p;
    compare(a, d);
    return check_whole(d, f);
}

enum problem draft_program(struct service *s, struct arena *a, struct draft *d, int64_t now_ms, const struct program **out,
                           struct faults *f) {
    if (d->changes.n == 0) return program_get(s, d->tenant.id, d->tenant.config_version, out, f);
    struct program *program;
    enum problem p = note_zone_change(s, a, d, now_ms, &d->in.zone_before, &d->in.zone_from_ms, f);
    if (p == P_OK && d->in.zone_before.n == 0) { /* an earlier change still tells in which zone a late event lies */
        struct version_row change;
        enum db_result r = version_zone_change(s->db, a, d->tenant.id, d->tenant.config_version, &change);
        if (r != DB_OK && r != DB_NOT_FOUND) return service_problem(r, f);
        if (r == DB_OK) {
            d->in.zone_before = change.zone_before;
            d->in.zone_from_ms = change.zone_from_ms;
        }
    }
    if (p == P_OK) p = program_compile(a, &d->in, &program, f);
    if (p == P_OK) *out = program;
    return p;
}

void draft_result(const struct draft *d, struct config_result *out) {
    out->version = d->tenant.config_version + (d->changes.n > 0 ? 1 : 0);
    out->changes = d->changes.items;
    out->n_changes = d->changes.n;
}

static enum db_result write_rows(struct service *s, struct arena *a, const struct draft *d, const struct version_row *v) {
    struct db *db = s->db;
    tenant_id t = d->tenant.id;
    enum db_result r = DB_OK;
    if (d->new_codes.n > 0) r = codes_insert(db, a, t, d->new_codes.items, d->new_codes.n);
    if (r == DB_OK && d->ended.n > 0) r = definitions_end(db, a, t, d->ended.items, d->ended.n, v->version);
    if (r == DB_OK && d->brought.n > 0) r = definitions_insert(db, a, t, d->brought.items, d->brought.n);
    if (r == DB_OK) r = version_insert(db, a, t, v);
    return r == DB_CONFLICT ? DB_RETRY : r; /* a member's new zone took the number: again, with the next */
}

/* Retention may be lowering what the draft was checked against. It reads the windows while it holds this lock: either it sees the wider
 * window, or that window is judged by what it has left. */
static enum problem check_widened(struct service *s, struct arena *a, const struct draft *d, struct faults *f, enum db_result *r) {
    const struct program *old;
    int64_t before = WINDOW_MS_DEFAULT, widest;
    enum problem p = d->tenant.config_version > 0 ? program_get(s, d->tenant.id, d->tenant.config_version, &old, f) : P_OK;
    if (p != P_OK && p != P_CONFIG_UNUSABLE) return p;
    if (d->tenant.config_version > 0) before = p == P_OK ? old->window_ms : 0;
    if (d->program->window_ms <= before) return P_OK;
    *r = widest_window_ms(s, a, KEPT_LOCK, &widest);
    if (*r != DB_OK || d->program->window_ms <= widest) return P_OK;
    return fault_add(f, P_DEFINITION, STR("/definitions"),
                     "event identities were just given a shorter time, for which the window is too wide");
}

/* A tenant that was made without a configuration has the watermark of the usual window: its first configuration may have a wider one, and
 * history is to be brought in. Not where retention has raised the watermark meanwhile, which then bars what may have been forgotten. */
static enum db_result first_watermark(struct service *s, struct arena *a, const struct draft *d) {
    const struct tenant_row *t = &d->tenant;
    bool first = t->config_version == 0 && d->program->window_ms > WINDOW_MS_DEFAULT;
    if (!first || t->watermark_ms != t->created_at - WINDOW_MS_DEFAULT) return DB_OK;
    enum db_result r = tenant_set_watermark(s->db, a, t, t->created_at - d->program->window_ms);
    return r == DB_NOT_FOUND ? DB_OK : r;
}

/* A tenant without a configuration has a zone all the same: its number is given when the tenant is made. */
enum problem draft_write(struct service *s, struct arena *a, struct draft *d, struct str actor, int64_t now_ms, struct faults *f,
                         enum db_result *r) {
    if (d->changes.n == 0) {
        if (d->new_codes.n > 0) *r = codes_insert(s->db, a, d->tenant.id, d->new_codes.items, d->new_codes.n);
        if (*r == DB_CONFLICT) *r = DB_RETRY;
        return P_OK;
    }
    struct version_row v = {.version = d->in.version, .created_at = now_ms, .actor = actor};
    enum problem p = note_zone_change(s, a, d, now_ms, &v.zone_before, &v.zone_from_ms, f);
    if (p == P_OK) p = check_widened(s, a, d, f, r);
    if (p != P_OK || *r != DB_OK) return p;
    *r = config_advance(s->db, a, d->tenant.id, d->tenant.config_version);
    if (*r == DB_NOT_FOUND) {
        *r = DB_OK;
        return fault_say(f, P_VERSION, "the configuration was changed at the same moment");
    }
    if (*r == DB_OK) *r = first_watermark(s, a, d);
    if (*r == DB_OK) *r = write_rows(s, a, d, &v);
    return P_OK;
}
