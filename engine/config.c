#include "engine/config.h"

#include <stdlib.h>

#include "base/limits.h"
#include "engine/kinds.h"

#define SETTINGS_CODE STR("settings")

/* ---- from a document to definitions ---- */

static bool read_kind(const struct json *v, struct str pointer, struct definition *out, struct arena *a, struct faults *faults) {
    const struct json *kind = json_get(v, "kind");
    pointer = pointer_child(a, pointer, STR("kind"));
    if (!kind) return fault_add(faults, P_VALIDATION, pointer, "is required") == P_OK;
    if (kind->type != JSON_STRING) return fault_add(faults, P_VALIDATION, pointer, "must be a text") == P_OK;
    if (!kind_find(kind->string)) {
        return fault_add(faults, P_VALIDATION, pointer, "there is no such kind; the kinds are " STR_FMT, STR_ARG(kind_names(a))) == P_OK;
    }
    out->kind = kind->string;
    return true;
}

/* Of a kind that is known, the shape says what is wrong with the code itself. */
static bool read_code(const struct json *v, struct str pointer, struct definition *out, struct arena *a, struct faults *faults) {
    const struct json *code = json_get(v, "code");
    bool settings = str_is(out->kind, "settings"), good = code && code->type == JSON_STRING && code_is_valid(code->string);
    pointer = pointer_child(a, pointer, STR("code"));
    if (settings && good && !str_eq(code->string, SETTINGS_CODE))
        return fault_add(faults, P_VALIDATION, pointer, "of settings is always \"settings\"") == P_OK;
    if (out->kind.n == 0 && code && !good)
        return fault_add(faults, P_VALIDATION, pointer, "must be a code of letters, digits, '.', '_', '-' and ':'") == P_OK;
    out->code = good ? code->string : settings && !code ? SETTINGS_CODE : STR("");
    return true;
}

enum problem config_definition(struct arena *a, const struct json *v, struct str pointer, struct definition *out, struct faults *faults) {
    *out = (struct definition){.body = *v, .pointer = pointer};
    if (v->type != JSON_OBJECT) return fault_add(faults, P_VALIDATION, pointer, "must be an object");
    bool known = read_kind(v, pointer, out, a, faults), good = read_code(v, pointer, out, a, faults);
    return known && good ? P_OK : P_VALIDATION;
}

int definition_order(const void *x, const void *y) {
    const struct definition *a = x, *b = y;
    int order = str_cmp(a->kind, b->kind);
    return order ? order : str_cmp(a->code, b->code);
}

/* The sort of the C library may change the order of equals: which of two is the first in the document is found by its pointer's
 * length and text. */
static int in_document_order(const void *x, const void *y) {
    const struct definition *a = x, *b = y;
    int order = definition_order(a, b);
    if (order) return order;
    if (a->pointer.n != b->pointer.n) return a->pointer.n < b->pointer.n ? -1 : 1;
    return str_cmp(a->pointer, b->pointer);
}

static void check_duplicates(struct arena *a, const struct definition *d, size_t n, struct faults *faults) {
    for (size_t i = 1; i < n; i++)
        if (d[i].code.n && definition_order(&d[i - 1], &d[i]) == 0)
            (void)fault_add(faults, P_DEFINITION, pointer_child(a, d[i].pointer, STR("code")),
                            "this kind has another definition of this code");
}

enum problem config_split(struct arena *a, const struct json *list, struct str pointer, struct definition **out, size_t *n,
                          struct faults *faults) {
    size_t before = faults_so_far(faults);
    *out = NULL;
    *n = 0;
    if (!list || list->type != JSON_ARRAY) return fault_add(faults, P_VALIDATION, pointer, "must be a list of definitions");
    if (list->n > DEFINITIONS_MAX)
        return fault_add(faults, P_VALIDATION, pointer, "must have at most %d definitions; it has %u", DEFINITIONS_MAX, list->n);
    struct definition *d = NEW_ARRAY(a, struct definition, list->n);
    for (size_t i = 0; i < list->n; i++)
        if (config_definition(a, &list->items[i], pointer_index(a, pointer, i), &d[*n], faults) == P_OK || d[*n].kind.n) ++*n;
    qsort(d, *n, sizeof *d, in_document_order);
    check_duplicates(a, d, *n, faults);
    *out = d;
    return first_problem(faults, before);
}

/* ---- the codes that need numbers ---- */

struct codes {
    struct arena *a;
    LIST(struct code_number) list;
};

static void add_code(struct codes *codes, enum code_kind kind, struct str code) {
    *LIST_PUSH(codes->a, &codes->list) = (struct code_number){.kind = kind, .code = code};
}

static const struct json *list_of(const struct json *body, const char *key) {
    static const struct json nothing = {.type = JSON_ARRAY};
    const struct json *v = json_get(body, key);
    return v && v->type == JSON_ARRAY ? v : &nothing;
}

/* Straight from the body: its shape may be wrong elsewhere. */
static void codes_of_rule(struct codes *codes, const struct json *body) {
    const struct json *on = list_of(body, "on"), *count = list_of(body, "count");
    for (size_t i = 0; i < on->n; i++)
        if (type_is_valid(&on->items[i])) add_code(codes, CODE_TYPE, on->items[i].string);
    for (size_t i = 0; i < count->n; i++) {
        const struct json *metric = json_get(&count->items[i], "metric");
        if (metric && metric->type == JSON_STRING && code_is_valid(metric->string)) add_code(codes, CODE_METRIC, metric->string);
    }
}

static struct str zone_of(const struct definition *settings) {
    const struct json *zone = json_get(&settings->body, "zone");
    return zone && zone->type == JSON_STRING && zone_find(zone->string) ? zone->string : zone_utc()->name;
}

int code_order(const void *x, const void *y) {
    const struct code_number *a = x, *b = y;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    return str_cmp(a->code, b->code);
}

void config_codes(struct arena *a, const struct definition *d, size_t n, struct code_number **out, size_t *n_out) {
    struct codes codes = {.a = a};
    bool zoned = false;
    for (size_t i = 0; i < n; i++) {
        const struct kind_row *kind = kind_find(d[i].kind);
        MUST(kind);
        if (kind->code_kind) add_code(&codes, kind->code_kind, d[i].code);
        if (kind->code_kind == CODE_RULE) codes_of_rule(&codes, &d[i].body);
        if (!str_is(d[i].kind, "settings")) continue;
        add_code(&codes, CODE_ZONE, zone_of(&d[i])); /* of each of them, where a document wrongly has several */
        zoned = true;
    }
    if (!zoned) add_code(&codes, CODE_ZONE, zone_utc()->name);
    qsort(codes.list.items, codes.list.n, sizeof *codes.list.items, code_order);
    size_t kept = 0;
    for (size_t i = 0; i < codes.list.n; i++)
        if (!kept || code_order(&codes.list.items[kept - 1], &codes.list.items[i]) != 0) codes.list.items[kept++] = codes.list.items[i];
    *out = codes.list.items;
    *n_out = kept;
}

/* ---- the stored text ---- */

/* An exponent is written out: "1e20" gets six times as long. Nothing else grows. */
enum { TEXT_BYTES_MAX = 8 * CONFIG_BYTES_MAX };

static void put_shaped(struct json_writer *w, const struct shape *shape, const struct json *v);

static void put_field(struct json_writer *w, const struct field *f, const struct json *v) {
    if (f->type == F_OBJECT) {
        put_shaped(w, f->sub, v);
    } else if (f->type == F_LIST && v->type == JSON_ARRAY) {
        json_open_array(w);
        for (size_t i = 0; i < v->n; i++) put_shaped(w, f->sub, &v->items[i]);
        json_close_array(w);
    } else {
        json_put_value(w, v);
    }
}

static void put_members(struct json_writer *w, const struct shape *shape, size_t from, const struct json *v) {
    for (size_t i = from; i < shape->n_fields; i++) {
        const struct json *member = json_get(v, shape->fields[i].name);
        if (!member) continue;
        json_key(w, shape->fields[i].name);
        put_field(w, &shape->fields[i], member);
    }
}

static void put_shaped(struct json_writer *w, const struct shape *shape, const struct json *v) {
    if (v->type != JSON_OBJECT) {
        json_put_value(w, v);
        return;
    }
    json_open_object(w);
    put_members(w, shape, 0, v);
    json_close_object(w);
}

struct str definition_text(struct arena *a, const struct definition *d) {
    enum { KIND_AND_CODE = 2 }; /* the first fields of every kind; settings may lack the code */
    const struct kind_row *kind = kind_find(d->kind);
    MUST(kind);
    struct buf b = buf_new(a, TEXT_BYTES_MAX);
    struct json_writer w = json_writer_of(&b);
    json_open_object(&w);
    json_key(&w, "kind");
    json_put_str(&w, d->kind);
    json_key(&w, "code");
    json_put_str(&w, d->code);
    put_members(&w, kind->shape, KIND_AND_CODE, &d->body);
    json_close_object(&w);
    MUST(buf_ok(&b));
    return buf_str(&b);
}
