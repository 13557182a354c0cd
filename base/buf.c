#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BUF_FIRST = 256 };

struct buf buf_new(struct arena *a, size_t max) {
    return (struct buf){.arena = a, .max = max};
}

/* Room for n more bytes, or NULL and overflow. */
static char *buf_room(struct buf *b, size_t n) {
    if (b->overflow || n > b->max - b->n) {
        b->overflow = true;
        return NULL;
    }
    MUST(n <= SIZE_MAX / 4); /* so that doubling ends */
    if (n > b->cap - b->n) {
        size_t cap = b->cap ? b->cap : BUF_FIRST;
        while (cap - b->n < n) cap *= 2;
        if (cap > b->max) cap = b->max;
        char *larger = arena_alloc(b->arena, cap);
        if (b->n) memcpy(larger, b->p, b->n);
        b->p = larger;
        b->cap = cap;
    }
    return b->p + b->n;
}

/* The same for what most often fits: answers and rows are put together from many small pieces. */
static inline char *room_for(struct buf *b, size_t n) { return !b->overflow && n <= b->cap - b->n ? b->p + b->n : buf_room(b, n); }

void buf_bytes(struct buf *b, const void *p, size_t n) {
    if (!n) return;
    char *room = room_for(b, n);
    if (!room) return;
    memcpy(room, p, n);
    b->n += n;
}

void buf_add(struct buf *b, struct str s) { buf_bytes(b, s.p, s.n); }

void buf_z(struct buf *b, const char *z) { buf_bytes(b, z, strlen(z)); }

void buf_c(struct buf *b, char c) {
    char *room = room_for(b, 1);
    if (!room) return;
    *room = c;
    b->n++;
}

void buf_f(struct buf *b, const char *format, ...) {
    char small[256];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    MUST(n >= 0);
    if ((size_t)n < sizeof small) {
        buf_bytes(b, small, (size_t)n);
    } else {
        char *text = arena_alloc(b->arena, (size_t)n + 1);
        vsnprintf(text, (size_t)n + 1, format, again);
        buf_bytes(b, text, (size_t)n);
    }
    va_end(again);
}

static void buf_integer(struct buf *b, uint64_t v, size_t width) {
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++) bytes[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
    buf_bytes(b, bytes, width);
}

void buf_u8(struct buf *b, uint8_t v) { buf_integer(b, v, 1); }
void buf_u16(struct buf *b, uint16_t v) { buf_integer(b, v, 2); }
void buf_u32(struct buf *b, uint32_t v) { buf_integer(b, v, 4); }
void buf_u64(struct buf *b, uint64_t v) { buf_integer(b, v, 8); }
void buf_i64(struct buf *b, int64_t v) { buf_integer(b, (uint64_t)v, 8); }

bool buf_ok(const struct buf *b) { return !b->overflow; }

struct str buf_str(const struct buf *b) {
    return b->n ? (struct str){b->p, b->n} : STR("");
}
