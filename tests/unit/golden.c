#include "tests/unit/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/crypto/crypto.h"

const struct json *golden_read(struct arena *a, const char *path) {
    enum { GOLDEN_BYTES_MAX = 1024 * 1024 };
    char *text = arena_alloc(a, GOLDEN_BYTES_MAX);
    FILE *f = fopen(path, "r");
    if (!f) fail_msg("%s cannot be opened", path);
    size_t n = fread(text, 1, GOLDEN_BYTES_MAX, f);
    fclose(f);
    struct json *v = NEW(a, struct json);
    struct faults faults = faults_new(a);
    if (json_parse(a, (struct str){text, n}, v, &faults)) {
        fail_msg("%s: " STR_FMT, path, STR_ARG(faults.list.items[0].detail));
    }
    assert_int_equal(v->type, JSON_ARRAY);
    assert_true(v->n > 0);
    return v;
}

static const struct json *member(const struct json *row, const char *name, enum json_type type) {
    const struct json *v = json_get(row, name);
    if (!v || v->type != type) fail_msg("golden file: no %s of type %s", name, json_type_name(type));
    return v;
}

struct str golden_text(const struct json *row, const char *name) {
    return member(row, name, JSON_STRING)->string;
}

struct str golden_bytes(struct arena *a, const struct json *row, const char *name) {
    struct str bytes = {0};
    assert_true(hex_parse(a, golden_text(row, name), &bytes));
    return bytes;
}

int64_t golden_int(const struct json *row, const char *name) { return (int64_t)member(row, name, JSON_NUMBER)->number; }

int64_t golden_i64(const struct json *row, const char *name) {
    int64_t v = 0;
    assert_true(str_to_i64(golden_text(row, name), INT64_MIN, INT64_MAX, &v));
    return v;
}

uint64_t golden_u64(const struct json *row, const char *name) {
    struct str digits = golden_text(row, name);
    char text[32] = "";
    assert_true(digits.n < sizeof text);
    memcpy(text, digits.p, digits.n);
    return strtoull(text, NULL, 10);
}

bool golden_bool(const struct json *row, const char *name) { return member(row, name, JSON_BOOL)->boolean; }

void golden_equal(struct arena *a, const struct json *row, const char *name, const void *got, size_t n) {
    struct str expected = golden_text(row, name), hex = hex_text(a, (struct str){got, n});
    if (!str_eq(expected, hex)) fail_msg("%s: expected " STR_FMT ", got " STR_FMT, name, STR_ARG(expected), STR_ARG(hex));
}
