/* shm/rates.h: what has been used of rate limits, for all workers of a host: a table of fixed size in the page that they share.
 *
 * No locks: a worker may be killed or stopped between any two instructions, and nobody waits for it. Each limited thing has a name of 64
 * bits (a key and a limit, a member and a route) and one moment (shm/gcra.h); a name whose moment has passed is as good as none, and its
 * place is free. Exact, but for two rare cases:
 *
 * - All eight places that a name may have are in use: the one whose whole allowance would be back soonest gives way, and that name starts
 *   anew; `displaced` counts it. Who uses much is never the one that gives way.
 * - Somebody else takes a place at the very moment at which its former name is charged: the charge is taken back and made elsewhere; in
 *   between, for less than a microsecond, the new name has that much less. Where the taker comes in that between while the former name
 *   was in use, the new name may keep the former one's debt until that has passed.
 *
 * Beside each place stands what this host let pass of it and has not told the other hosts (shm/hosts.h). */
#ifndef SHM_RATES_H
#define SHM_RATES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "shm/gcra.h"

enum {
    RATE_PLACES = 8,                 /* that one name may have: two lines of the processor's cache */
    RATE_CELLS = 4096 * RATE_PLACES, /* 512 KiB */
};
struct rate_cell {
    atomic_uint_fast64_t name; /* 0: nobody's yet */
    atomic_int_fast64_t moment;
};
struct rate_own {
    atomic_int_fast64_t used_ns; /* intervals of the limit times cost */
    atomic_int_fast64_t whole_ns;
};
struct rate_table {
    atomic_uint_fast64_t displaced; /* names that lost their place while they were in use */
    struct rate_cell cells[RATE_CELLS];
    struct rate_own own[RATE_CELLS]; /* of the same place; apart, so that a search goes by less */
};
/* What one host tells of one name. */
struct rate_share {
    uint64_t name;
    int64_t used_ns, whole_ns; /* gcra_hear */
};

/* The name of some parts in order, never 0. Not keyed: parts are ids that we gave, which nobody can choose. */
uint64_t rate_cell_name(const struct str *parts, size_t n);
/* Asks for `cost` and charges it where it passes. now_ns of a clock that all workers share and nobody sets. */
struct gcra_answer rate_take(struct rate_table *table, uint64_t name, struct gcra limit, int64_t now_ns, int64_t cost);
/* Takes back what rate_take has charged a moment ago. */
void rate_give_back(struct rate_table *table, uint64_t name, struct gcra limit, int64_t cost);

/* What this host let pass of each name since this was last called, and of that no more than what is owed yet, in no order. Of more than
 * `max` names it gives those that used the greatest part of their allowance; the others (*left) stay for the next time. */
size_t rates_tell(struct rate_table *table, struct arena *a, int64_t now_ns, size_t max, struct rate_share **out, size_t *left);
/* Charges what another host has let pass. Shares that no limit can have made are passed over; false. */
bool rates_hear(struct rate_table *table, const struct rate_share *share, int64_t now_ns);

#endif
