/* shm/gcra.h: the arithmetic of rate limits (GCRA, the generic cell rate algorithm): pure, no clock and no memory of its own.
 *
 * A limit of 60 in a minute is an allowance of 60 that comes back at one a second. All that is remembered of it is one moment: when the
 * whole allowance will be there again. What lies in the past says nothing: such a moment need not be kept.
 *
 * Moments are nanoseconds of a clock that should not go back. Where it does, at most one whole allowance is withheld or given twice. */
#ifndef SHM_GCRA_H
#define SHM_GCRA_H

#include <stdbool.h>
#include <stdint.h>

/* Bounds within which nothing overflows; asserted. */
enum { GCRA_COST_MAX = 1000, GCRA_COUNT_MAX = 60 * 1000 * 1000 };
#define GCRA_PERIOD_MS_MAX (INT64_C(31) * 24 * 60 * 60 * 1000)
#define GCRA_LAG_NS        INT64_C(1000000000) /* how old what another host tells is taken to be */

struct gcra {
    int64_t count;       /* the allowance */
    int64_t interval_ns; /* in which one of it comes back */
};
struct gcra_answer {
    bool passes;
    int64_t moment;    /* to be remembered from now on; where it does not pass, what was remembered */
    int64_t remaining; /* of the allowance, after this */
    int64_t full_ns;   /* until the whole allowance is there again */
    int64_t wait_ns;   /* until the same would pass; 0: it did */
};

/* `count` within `period_ms`, both at least 1. The interval is whole nanoseconds, rounded down. */
struct gcra gcra_of(int64_t count, int64_t period_ms);
/* In which the whole allowance comes back. */
static inline int64_t gcra_whole_ns(struct gcra limit) { return limit.interval_ns * limit.count; }
/* Whether `cost` (1 to GCRA_COST_MAX) passes now. What costs more than the whole allowance passes where all of it is there, and is paid
 * in full: otherwise it never could. `moment`: as remembered, 0 for nothing. One so late that this limit cannot have made it is passed
 * over: the clock went back, or the limit was changed. */
struct gcra_answer gcra_ask(struct gcra limit, int64_t moment, int64_t now_ns, int64_t cost);
/* The moment with what another host let pass about GCRA_LAG_NS ago; used_ns: its interval times its cost. Hosts that each let a whole
 * allowance pass, before they heard of each other, do not shut anybody out for more than the time of one: no moment gets later by this
 * than twice whole_ns from now. used_ns and whole_ns: at least 1, whole_ns of a limit within the bounds. */
int64_t gcra_hear(int64_t moment, int64_t now_ns, int64_t used_ns, int64_t whole_ns);

#endif
