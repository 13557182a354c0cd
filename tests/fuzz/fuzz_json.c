/* Any bytes as a JSON text: refused with one fault, or read into values that, written and read again, are the same (DESIGN 4, MECHANICS 5:
 * what json-c alone would let pass is refused by the strict pass before it). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool holds) {
    if (!holds) abort();
}

/* Gives how many values there are; each is what the header promises. */
static size_t check_value(const struct json *v, size_t depth) {
    size_t values = 1;
    check(depth <= JSON_DEPTH_MAX);
    if (v->type == JSON_NUMBER) check(isfinite(v->number) && !(v->number == 0 && signbit(v->number)));
    if (v->type == JSON_STRING) check(str_is_utf8(v->string) && memchr(v->string.p, '\0', v->string.n) == NULL);
    for (uint32_t i = 0; v->type == JSON_ARRAY && i < v->n; i++) values += check_value(&v->items[i], depth + 1);
    for (uint32_t i = 0; v->type == JSON_OBJECT && i < v->n; i++) {
        const struct json_member *m = &v->members[i];
        check(str_is_utf8(m->key) && json_find(v, m->key) == &m->value); /* of two with one name, the second would not be found */
        values += check_value(&m->value, depth + 1);
    }
    return values;
}

static void check_read(struct arena *a, struct str text, const struct json *v) {
    struct faults faults = faults_new(a);
    struct json again, wrapped;
    struct str written = json_to_text(a, v);
    check(check_value(v, 0) <= JSON_NODES_MAX);
    check(json_parse(a, written, &again, &faults) == P_OK && json_equal(v, &again));
    check(str_eq(json_to_text(a, &again), written));
    check(json_parse_wrapped(a, text, &wrapped, &faults) == P_OK && json_equal(v, &wrapped));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct str text = {(const char *)data, n};
    struct faults faults = faults_new(a);
    struct json v;
    enum problem p = json_parse(a, text, &v, &faults);
    if (p == P_OK) {
        check(faults.list.n == 0);
        check_read(a, text, &v);
    } else {
        check((p == P_MALFORMED_JSON || p == P_NUMBER) && faults.list.n == 1 && faults.list.items[0].problem == p);
        check(faults.list.items[0].detail.n > 0 && str_is_utf8(faults.list.items[0].pointer));
    }
    arena_free(&a);
    return 0;
}
