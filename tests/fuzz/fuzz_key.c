/* Any bytes as the field Idempotency-Key: refused, or a key of 1 to 255 visible characters that is the same key in whichever of the two
 * forms it is sent, and with whatever space around it (DESIGN 3). */
#include <stdlib.h>

#include "base/str.h"
#include "http/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool holds) {
    if (!holds) abort();
}

static struct str quoted(struct arena *a, struct str key) {
    struct buf b = buf_new(a, SIZE_MAX);
    buf_z(&b, "\"");
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] == '"' || key.p[i] == '\\') buf_z(&b, "\\");
        buf_bytes(&b, key.p + i, 1);
    }
    buf_z(&b, "\"");
    return buf_str(&b);
}

static void check_same(struct arena *a, struct str field, struct str key) {
    struct str again;
    check(idempotency_key_parse(a, field, &again) && str_eq(again, key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct str field = {(const char *)data, n}, key, other;
    if (idempotency_key_parse(a, field, &key)) {
        bool bare = key.p[0] != '"' && key.p[key.n - 1] != ','; /* a comma at the end of a bare one is of another field */
        check(key.n >= 1 && key.n <= KEY_CHARS_MAX);
        for (size_t i = 0; i < key.n; i++) {
            check(key.p[i] >= 0x20 && key.p[i] <= 0x7e);
            if (key.p[i] == ' ') bare = false;
        }
        check_same(a, quoted(a, key), key);
        if (bare) check_same(a, key, key);
        check_same(a, str_printf(a, " \t" STR_FMT "\t ", STR_ARG(field)), key);
        check(!idempotency_key_parse(a, str_printf(a, STR_FMT "\x7f", STR_ARG(key)), &other));
    }
    arena_free(&a);
    return 0;
}
