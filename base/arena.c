#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

enum {
    ALIGNMENT = 16,
    CHUNK_FIRST = 16 * 1024,     /* an ordinary request fits */
    CHUNK_GROWN_MAX = 256 * 1024 /* what a reset may keep; a larger chunk serves one piece and is given back */
};

#if defined(__has_feature) /* clang's name for it */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { EACH_PIECE_ALONE = 1 }; /* a chunk per piece: the sanitizer sees what runs over the end of one */
#else
enum { EACH_PIECE_ALONE = 0 };
#endif

struct chunk {
    struct chunk *older;
    size_t size, used; /* of the bytes after this header */
    _Alignas(ALIGNMENT) char bytes[];
};

struct arena {
    struct chunk *newest;
    size_t used;
};

static struct chunk *chunk_new(struct chunk *older, size_t size) {
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk) NEVER("no memory left");
    *chunk = (struct chunk){.older = older, .size = size};
    return chunk;
}

struct arena *arena_new(void) {
    struct arena *a = calloc(1, sizeof *a);
    if (!a) NEVER("no memory left");
    return a;
}

void arena_reset(struct arena *a) {
    struct chunk *kept = NULL;
    for (struct chunk *chunk = a->newest, *older; chunk; chunk = older) {
        older = chunk->older;
        if (!EACH_PIECE_ALONE && chunk->size <= CHUNK_GROWN_MAX && (!kept || chunk->size > kept->size)) {
            free(kept);
            kept = chunk;
        } else {
            free(chunk);
        }
    }
    if (kept) {
        kept->older = NULL;
        kept->used = 0;
    }
    a->newest = kept;
    a->used = 0;
}

void arena_free(struct arena **a) {
    if (!*a) return;
    for (struct chunk *chunk = (*a)->newest, *older; chunk; chunk = older) {
        older = chunk->older;
        free(chunk);
    }
    free(*a);
    *a = NULL;
}

/* A chunk with room for n bytes becomes the newest, unless the piece is so large that it gets one of its own, which goes behind
 * the newest: the room left there is still used. */
static struct chunk *chunk_for(struct arena *a, size_t n) {
    if (EACH_PIECE_ALONE) return a->newest = chunk_new(a->newest, n);
    size_t next = a->newest ? a->newest->size * 2 : CHUNK_FIRST;
    if (next > CHUNK_GROWN_MAX) next = CHUNK_GROWN_MAX;
    if (n <= next / 2) return a->newest = chunk_new(a->newest, next);
    if (!a->newest) a->newest = chunk_new(NULL, CHUNK_FIRST);
    return a->newest->older = chunk_new(a->newest->older, n);
}

void *arena_alloc(struct arena *a, size_t n) {
    MUST(n <= SIZE_MAX / 2);
    size_t room = EACH_PIECE_ALONE ? n : (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct chunk *chunk = a->newest;
    if (EACH_PIECE_ALONE || !chunk || chunk->size - chunk->used < room) chunk = chunk_for(a, room);
    char *p = chunk->bytes + chunk->used;
    chunk->used += room;
    a->used += n;
    return memset(p, 0, n);
}

void *arena_copy(struct arena *a, const void *p, size_t n) {
    void *copy = arena_alloc(a, n);
    return n ? memcpy(copy, p, n) : copy;
}

void *arena_array(struct arena *a, size_t n, size_t size) {
    size_t total;
    MUST(!__builtin_mul_overflow(n, size, &total));
    return arena_alloc(a, total);
}

size_t arena_used(const struct arena *a) { return a->used; }

void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size) {
    if (n < *cap) return items;
    size_t grown = *cap ? *cap * 2 : 8;
    void *larger = arena_array(a, grown, size);
    if (n) memcpy(larger, items, n * size);
    *cap = grown;
    return larger;
}
