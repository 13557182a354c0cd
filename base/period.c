#include "base/zone.h"

#include "base/calendar.h"

/* A zone is a row of segments, each with one offset: segment k holds the instants from_ms[k] … from_ms[k + 1] − 1, and the wall clock
 * shows t + offset there. At the border between two segments the wall clock jumps. All that follows is about these jumps. */

static int64_t shift_ms(const struct zone *z, uint32_t k) { return z->offset_s[k] * MS_SECOND; }

static int64_t segment_end(const struct zone *z, uint32_t k) { return k + 1 < z->n ? z->from_ms[k + 1] : INT64_MAX; }

static uint32_t segment_of(const struct zone *z, int64_t t) {
    uint32_t lo = 0, hi = z->n; /* the last segment that begins at or before t is in lo … hi − 1 */
    while (hi - lo > 1) {
        uint32_t middle = lo + (hi - lo) / 2;
        if (z->from_ms[middle] <= t)
            lo = middle;
        else
            hi = middle;
    }
    return lo;
}

static int64_t local_of(const struct zone *z, int64_t t) { return t + shift_ms(z, segment_of(z, t)); }

/* The first instant at which the wall clock shows `local` or later: the first of two, or the first after a gap. */
static int64_t first_instant(const struct zone *z, int64_t local) {
    uint32_t k = segment_of(z, local - 2 * MS_DAY); /* no offset is as large: there the clock shows less */
    for (;; k++) {
        int64_t t = local - shift_ms(z, k);
        if (t < z->from_ms[k]) t = z->from_ms[k];
        if (t < segment_end(z, k)) return t;
    }
}

/* The local day on which the period begins that holds the local day, and the first day of the next such period. */
static int64_t first_day(enum period_kind kind, int64_t day) {
    if (kind == PERIOD_WEEK) return day - (day_of_week(day) - 1);
    if (kind == PERIOD_MONTH) return day - (date_of_days(day).day - 1);
    return day;
}

static int64_t next_first_day(enum period_kind kind, int64_t first) {
    if (kind == PERIOD_WEEK) return first + 7;
    if (kind != PERIOD_MONTH) return first + 1;
    struct date d = date_of_days(first);
    return date_days((struct date){d.year, d.month + 1, 1});
}

/* The first day of the period of days that holds t. Where midnight comes twice, the wall clock shows the day before once more after
 * the new day has begun; the instants there belong to the new day, so that a period is one piece. */
static int64_t period_day(const struct zone *z, enum period_kind kind, int64_t t) {
    int64_t first = first_day(kind, floor_div(local_of(z, t), MS_DAY));
    for (;;) {
        int64_t next = next_first_day(kind, first);
        if (first_instant(z, next * MS_DAY) > t) return first;
        first = next;
    }
}

/* Whether a wall-clock hour begins with segment k: its clock starts on a full hour, or has jumped forward over one. After a jump back
 * to the middle of an hour the hour before the jump goes on. */
static bool hour_begins_with(const struct zone *z, uint32_t k) {
    int64_t before = z->from_ms[k] - 1 + shift_ms(z, k - 1), now = z->from_ms[k] + shift_ms(z, k);
    return floor_div(now, MS_HOUR) * MS_HOUR == now || floor_div(before, MS_HOUR) < floor_div(now, MS_HOUR);
}

static int64_t hour_start(const struct zone *z, int64_t t) {
    for (uint32_t k = segment_of(z, t);; k--) {
        int64_t full = floor_div(t + shift_ms(z, k), MS_HOUR) * MS_HOUR - shift_ms(z, k);
        if (full >= z->from_ms[k]) return full;
        if (hour_begins_with(z, k)) return z->from_ms[k];
        t = z->from_ms[k] - 1;
    }
}

static int64_t hour_end(const struct zone *z, int64_t t) {
    for (uint32_t k = segment_of(z, t);; k++) {
        int64_t full = (floor_div(t + shift_ms(z, k), MS_HOUR) + 1) * MS_HOUR - shift_ms(z, k), end = segment_end(z, k);
        if (full < end) return full;
        if (hour_begins_with(z, k + 1)) return end;
        t = end;
    }
}

int64_t period_start(const struct zone *z, enum period_kind kind, int64_t t_ms) {
    if (kind == PERIOD_EVER) return 0;
    if (kind == PERIOD_HOUR) return hour_start(z, t_ms);
    return first_instant(z, period_day(z, kind, t_ms) * MS_DAY);
}

int64_t period_end(const struct zone *z, enum period_kind kind, int64_t t_ms) {
    if (kind == PERIOD_EVER) return INT64_MAX;
    if (kind == PERIOD_HOUR) return hour_end(z, t_ms);
    return first_instant(z, next_first_day(kind, period_day(z, kind, t_ms)) * MS_DAY);
}

void period_bounds(const struct zone *z, enum period_kind kind, int64_t t_ms, int64_t *start, int64_t *end) {
    if (kind == PERIOD_EVER || kind == PERIOD_HOUR) {
        *start = period_start(z, kind, t_ms);
        *end = period_end(z, kind, t_ms);
        return;
    }
    int64_t day = period_day(z, kind, t_ms);
    *start = first_instant(z, day * MS_DAY);
    *end = first_instant(z, next_first_day(kind, day) * MS_DAY);
}

void zone_local(const struct zone *z, int64_t t_ms, int *hour, int *weekday) {
    int64_t local = local_of(z, t_ms), day = floor_div(local, MS_DAY);
    *hour = (int)((local - day * MS_DAY) / MS_HOUR);
    *weekday = day_of_week(day);
}
