/* base/arena.h: memory that goes all at once: one arena per request, and one per set.
 *
 * An arena grows by chunks and gives large ones back on reset. Everything allocated is zeroed and aligned to 16 bytes.
 * When the system has no memory left the process aborts: there is no half-way to answer. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);                /* owned by the caller; arena_free */
void arena_reset(struct arena *a);            /* keeps one chunk */
void arena_free(struct arena **a);            /* NULL inside is fine; leaves NULL */
void *arena_alloc(struct arena *a, size_t n); /* n may be 0; never NULL */
void *arena_copy(struct arena *a, const void *p, size_t n);
size_t arena_used(const struct arena *a); /* bytes handed out since the last reset: for the log */

#define NEW(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define NEW_ARRAY(a, type, n) ((type *)arena_array((a), (n), sizeof(type)))
void *arena_array(struct arena *a, size_t n, size_t size); /* aborts where n * size overflows */

/* A list that grows in an arena: struct { T *items; size_t n, cap; }.  LIST_PUSH gives the address of a new, zeroed item;
 * earlier addresses are void after it. */
#define LIST(T)                                                                                                                            \
    struct {                                                                                                                               \
        T *items;                                                                                                                          \
        size_t n;                                                                                                                          \
        size_t cap;                                                                                                                        \
    }
#define LIST_PUSH(a, list)                                                                                                                 \
    ((list)->items = arena_grow((a), (list)->items, (list)->n, &(list)->cap, sizeof *(list)->items), &(list)->items[(list)->n++])
void *arena_grow(struct arena *a, void *items, size_t n, size_t *cap, size_t size);

#endif
