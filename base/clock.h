/* base/clock.h: the only place that reads a clock (MECHANICS 1, "Clock"). The engine never calls it: it is told the time.
 *
 * Development and ASan builds add an offset in milliseconds, read from a file (setting clock_file) at each call: with it
 * tests live days in seconds and step the clock. A release build has no such code. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);            /* wall time, UTC, milliseconds since 1970 */
int64_t clock_now_us(void);            /* the same in microseconds */
int64_t clock_monotonic_us(void);      /* for durations and deadlines; never stepped by tests */
void clock_set_file(const char *path); /* kept, not copied; NULL or "": none. Does nothing in a release build */

#endif
