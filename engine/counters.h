/* engine/counters.h: counting within periods (SEMANTICS 14, 15, 26), and what removed definitions leave.
 *
 * The row holds the latest period of each counter. A later period moves the old value to its closed period; an earlier event counts in
 * the closed period where it belongs. settle_needs has had those loaded: a closed period that is not in the list has no row. */
#ifndef ENGINE_COUNTERS_H
#define ENGINE_COUNTERS_H

#include "engine/program.h"
#include "engine/state.h"

/* Adds `by` to the counter in the period that starts at `start` (ms, whole seconds; 0 for EVER). Bounds are the caller's. */
void counter_add(struct arena *a, struct member_state *s, enum counter_kind what, uint16_t no, enum period_kind kind, int64_t start,
                 int64_t by);
/* The counter of the row, made where missing with start and value 0. The address is void after the next one is made. */
struct counter *counter_put(struct arena *a, struct member_state *s, enum counter_kind what, uint16_t no, enum period_kind kind);

struct closed_period *closed_find(const struct member_state *s, enum period_kind kind, int64_t start); /* NULL: not loaded or no row */

bool counter_is_live(const struct program *p, const struct counter *c); /* a definition of the program uses it */
/* Brings back from (EVER, 0), where it is loaded, what definitions of the program use again. */
void leftovers_restore(const struct program *p, struct arena *a, struct member_state *s);
/* Moves what no definition uses to (EVER, 0): only when the row would not fit (settle_needs has had that row loaded). */
void leftovers_move(const struct program *p, struct arena *a, struct member_state *s);

#endif
