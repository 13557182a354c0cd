/* shm/page.h: the page of memory that the master and its workers share: made by the master before it forks, gone with the last of
 * them. Plain atomic numbers, no locks: a worker may be killed at any moment. */
#ifndef SHM_PAGE_H
#define SHM_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_POOLS = 3, PAGE_SLOTS = 2 * 64 * PAGE_POOLS }; /* each place of a worker twice: the old one and the new one that replaces it */

/* One worker. Taken and given back by the master alone. */
struct worker_slot {
    atomic_bool taken;
    atomic_bool ready;           /* it accepts requests */
    atomic_bool in_set;          /* it works on requests, and does not wait for them */
    atomic_int_fast64_t beat_us; /* clock_monotonic_us of the last sign of life */
};
struct pool_counts {
    atomic_uint_fast64_t requests, sets; /* answered */
    atomic_uint_fast64_t starts, deaths; /* of workers; deaths: nobody had asked for it */
};
struct page {
    struct pool_counts pools[PAGE_POOLS];
    struct worker_slot slots[PAGE_SLOTS];
};

struct page *page_new(void); /* zeroed; NULL: no memory */
void page_free(struct page **page);
struct worker_slot *page_slot_take(struct page *page, int64_t now_us); /* NULL: all are taken */
void page_slot_give(struct worker_slot *slot);
void page_beat(struct worker_slot *slot, bool in_set, int64_t now_us);

#endif
