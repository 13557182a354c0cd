/* base/trap.h: ends that tests plant at named points of the program.
 *
 * A trap is a file in a folder (setting trap_dir) with the name of a point. The first process that comes to the point takes the file
 * away, so that one falls and no more, and ends there as by kill -9; where the file says "stop", it is stopped as by SIGSTOP. The trap of
 * an item ("item-" and the event's id) stays until the test takes it away: whoever works on that item falls, each time.
 *
 * The points are those where an award can be cut in two (docs/TESTING.md, "Faults"). A release build has no such code. */
#ifndef BASE_TRAP_H
#define BASE_TRAP_H

#include "base/str.h"

#ifdef ACCOLADE_TEST_TRAPS

void trap_set_dir(const char *path); /* kept, not copied; NULL or "": no traps */
int trap_take(const char *point);    /* the signal that was planted at this point, 0: none. For who has something to do before it */
void trap(const char *point);        /* takes it and falls */
void trap_item(struct str id);       /* falls as long as the item's trap lies there; an id with a '/' has none */

#else

static inline void trap_set_dir(const char *path) { (void)path; }
static inline int trap_take(const char *point) { return point == NULL; }
static inline void trap(const char *point) { (void)point; }
static inline void trap_item(struct str id) { (void)id; }

#endif
#endif
