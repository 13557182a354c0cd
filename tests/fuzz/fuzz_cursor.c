/* Any text as a cursor: not one of ours, or what cursor_text() makes of its payload. Any bytes as the payload of a cursor, with the right
 * checksum, which everybody can make: what a list understands of it is what it would write itself. */
#include <stdlib.h>

#include "base/cursor.h"
#include "service/paging.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PAYLOAD_BYTES_MAX = 2048, KEY_ID_CHARS = 16 };

static void check(bool holds) {
    if (!holds) abort();
}

static void read_place(struct arena *a, struct str text) {
    struct made_at at;
    if (!made_cursor_parse(a, text, &at)) return;
    if (text.n == 0) {
        check(at.created_at == 0 && at.id.n == 0);
    } else if (at.id.n <= KEY_ID_CHARS) {
        check(str_eq(made_cursor(a, at), text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct arena *a = arena_new();
    struct str bytes = {(const char *)data, n}, payload;
    read_place(a, bytes);
    if (cursor_parse(a, bytes, &payload)) check(str_eq(cursor_text(a, payload), bytes));
    if (n <= PAYLOAD_BYTES_MAX) {
        struct str text = cursor_text(a, bytes);
        check(cursor_parse(a, text, &payload) && str_eq(payload, bytes));
        read_place(a, text);
        char *other = arena_copy(a, text.p, text.n); /* a slip of the hand is noticed */
        other[n % text.n] = other[n % text.n] == 'A' ? 'B' : 'A';
        check(!cursor_parse(a, (struct str){other, text.n}, &payload) || !str_eq(payload, bytes));
    }
    arena_free(&a);
    return 0;
}
