/* base/zone.h: time zones as transition tables, made once by the C library from the IANA database, and the periods in them.
 *
 * The engine works on these tables alone: pure, no environment. The C library takes an unknown name for UTC without a word,
 * so a name is checked to be a file of the database first. */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/limits.h"
#include "base/numbers.h"
#include "base/str.h"

struct zone {
    struct str name;
    uint32_t n;
    const int64_t *from_ms;  /* ascending; from_ms[0] is INT64_MIN */
    const int32_t *offset_s; /* local = UTC + offset */
};

/* Cached for the life of the process; NULL: no such zone. Covers TIME_MS_MIN … TIME_MS_MAX. */
const struct zone *zone_find(struct str name);
const struct zone *zone_utc(void);

/* The start of the period that holds t: hour, day, ISO week (Monday), month, by the wall clock of the zone. A day has 23, 24 or
 * 25 hours; where midnight does not exist the day starts at the first instant after it; where it comes twice, at the first.
 * EVER starts at 0. */
int64_t period_start(const struct zone *z, enum period_kind kind, int64_t t_ms);
int64_t period_end(const struct zone *z, enum period_kind kind, int64_t t_ms); /* start of the next; INT64_MAX for EVER */
void period_bounds(const struct zone *z, enum period_kind kind, int64_t t_ms, int64_t *start, int64_t *end); /* both at once */
void zone_local(const struct zone *z, int64_t t_ms, int *hour, int *day_of_week); /* day_of_week: Monday 1 … Sunday 7 */

/* RFC 3339 text. */
struct str time_text(struct arena *a, int64_t ms); /* "2026-11-21T10:00:00.000Z" */
MUST_CHECK bool time_parse(struct str s, int64_t *ms);

#endif
