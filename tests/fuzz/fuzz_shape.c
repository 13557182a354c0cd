/* Any JSON as the body of each kind of definition and of each route that has a shape: refused with faults whose pointers lead into the
 * document, or read; a definition's stored text is then read again and is the same (DESIGN 4; invariant 13). */
#include <stdlib.h>

#include "engine/config.h"
#include "handlers/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool holds) {
    if (!holds) abort();
}

static struct str unescaped(struct arena *a, struct str step) {
    struct buf b = buf_new(a, SIZE_MAX);
    for (size_t i = 0; i < step.n; i++) {
        bool escape = step.p[i] == '~';
        check(!escape || (i + 1 < step.n && (step.p[i + 1] == '0' || step.p[i + 1] == '1')));
        buf_z(&b, escape ? (step.p[++i] == '0' ? "~" : "/") : "");
        if (!escape) buf_bytes(&b, step.p + i, 1);
    }
    return buf_str(&b);
}

/* All steps but the last lead somewhere: the last may be what is missing. */
static void check_pointer(struct arena *a, const struct json *v, struct str pointer) {
    struct str rest = pointer;
    if (pointer.n == 0) return;
    check(str_cut(&rest, '/').n == 0);
    while (rest.p != NULL) {
        struct str step = unescaped(a, str_cut(&rest, '/'));
        int64_t index = 0;
        check(v != NULL);
        if (v->type == JSON_ARRAY) {
            check(str_to_i64(step, 0, v->n, &index));
            v = index < v->n ? &v->items[index] : NULL;
        } else {
            v = json_find(v, step);
        }
    }
}

static bool read_by(const struct shape *shape, const struct json *v, struct arena *a) {
    struct faults faults = faults_new(a);
    enum problem p = shape_read(shape, v, STR(""), a, arena_alloc(a, shape->size), &faults);
    check((p == P_OK) == (faults.list.n == 0));
    for (size_t i = 0; i < faults.list.n; i++) {
        check(faults.list.items[i].detail.n > 0 && faults.list.items[i].problem != P_OK);
        check_pointer(a, v, faults.list.items[i].pointer);
    }
    return p == P_OK;
}

static void check_stored(struct arena *a, const struct json *v) {
    struct faults faults = faults_new(a);
    struct definition first, again;
    struct json stored;
    if (config_definition(a, v, STR(""), &first, &faults) != P_OK) return;
    struct str text = definition_text(a, &first);
    check(json_parse(a, text, &stored, &faults) == P_OK);
    check(read_by(kind_find(first.kind)->shape, &stored, a));
    check(config_definition(a, &stored, STR(""), &again, &faults) == P_OK && str_eq(definition_text(a, &again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct faults faults = faults_new(a);
    struct json v;
    if (json_parse(a, (struct str){(const char *)data, n}, &v, &faults) == P_OK) {
        const struct json *kind = json_get(&v, "kind");
        for (const struct kind_row *row = kind_rows; row->name != NULL; row++) {
            bool reads = read_by(row->shape, &v, a);
            if (reads && kind != NULL && kind->type == JSON_STRING && str_is(kind->string, row->name)) check_stored(a, &v);
        }
        for (size_t i = 0; i < route_table.n; i++) {
            if (route_table.rows[i].body != NULL) (void)read_by(route_table.rows[i].body, &v, a);
        }
    }
    arena_free(&a);
    return 0;
}
