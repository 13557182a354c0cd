#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct json json_text(struct str s) {
    return (struct json){.type = JSON_STRING, .string = s};
}

/* Adding 0 makes 0 of −0. */
struct json json_num(double d) {
    return (struct json){.type = JSON_NUMBER, .number = d + 0.0};
}

const struct json *json_find(const struct json *object, struct str key) {
    if (!object || object->type != JSON_OBJECT) return NULL;
    for (uint32_t i = 0; i < object->n; i++)
        if (str_eq(object->members[i].key, key)) return &object->members[i].value;
    return NULL;
}

const struct json *json_get(const struct json *object, const char *key) { return json_find(object, str_of(key)); }

bool json_is_integer(const struct json *v, int64_t lo, int64_t hi, int64_t *out) {
    if (!v || v->type != JSON_NUMBER) return false;
    double d = v->number;
    if (!(d >= -0x1p63 && d < 0x1p63) || d != floor(d)) return false;
    int64_t i = (int64_t)d;
    if (i < lo || i > hi) return false;
    *out = i;
    return true;
}

const char *json_type_name(enum json_type t) {
    static const char *const names[] = {[JSON_NULL] = "null",     [JSON_BOOL] = "boolean", [JSON_NUMBER] = "number",
                                        [JSON_STRING] = "string", [JSON_ARRAY] = "array",  [JSON_OBJECT] = "object"};
    MUST((unsigned)t < COUNT(names));
    return names[t];
}

static int member_order(const void *a, const void *b) {
    const struct json_member *x = a, *y = b;
    return str_cmp(x->key, y->key);
}

static struct json_member *sorted_members(const struct json *object) {
    struct json_member *list = calloc(object->n, sizeof *list);
    if (!list) NEVER("no memory left");
    memcpy(list, object->members, object->n * sizeof *list);
    qsort(list, object->n, sizeof *list, member_order);
    return list;
}

/* Large objects are sorted first, so that comparing two never takes quadratic time. There is no arena here: the lists go at once. */
static bool objects_equal(const struct json *a, const struct json *b) {
    bool equal = true;
    if (a->n <= 16) {
        for (uint32_t i = 0; equal && i < a->n; i++) {
            const struct json *other = json_find(b, a->members[i].key);
            equal = other && json_equal(&a->members[i].value, other);
        }
        return equal;
    }
    struct json_member *x = sorted_members(a), *y = sorted_members(b);
    for (uint32_t i = 0; equal && i < a->n; i++) equal = str_eq(x[i].key, y[i].key) && json_equal(&x[i].value, &y[i].value);
    free(x);
    free(y);
    return equal;
}

bool json_equal(const struct json *a, const struct json *b) {
    if (a->type != b->type || a->n != b->n) return false;
    switch (a->type) {
    case JSON_NULL: return true;
    case JSON_BOOL: return a->boolean == b->boolean;
    case JSON_NUMBER: return a->number == b->number;
    case JSON_STRING: return str_eq(a->string, b->string);
    case JSON_ARRAY:
        for (uint32_t i = 0; i < a->n; i++)
            if (!json_equal(&a->items[i], &b->items[i])) return false;
        return true;
    case JSON_OBJECT: return objects_equal(a, b);
    }
    NEVER("no such type");
}
