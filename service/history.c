#include "service/history.h"

enum { DAYS_AT_ONCE = 16 }; /* a busy member's days have many outcomes: counting those of more days than needed costs */

struct history history_of(struct member_ref ref) {
    return (struct history){.ref = ref, .before_day = UINT32_MAX, .before_version = UINT64_MAX};
}

void history_set(struct history *h, const struct outcome_row *row) {
    h->before_day = row->at.day;
    h->before_version = row->member_version;
}

/* The earliest of the days that together have as many as are wanted. The first of them may be one whose latest were given before. */
static uint32_t first_day(const struct day_count *days, size_t n, const struct history *h, size_t wanted) {
    uint64_t sum = 0;
    size_t i = 0;
    while (i < n) {
        if (days[i].day != h->before_day) sum += days[i].n;
        i++;
        if (sum >= wanted) break;
    }
    return days[i - 1].day;
}

enum db_result history_next(struct service *s, struct arena *a, struct history *h, size_t wanted, struct outcome_row **rows, size_t *n) {
    *n = 0;
    for (;;) {
        struct day_count *days;
        size_t n_days;
        enum db_result r = outcome_days(s->db, a, h->ref.tenant, h->ref.member, h->before_day, DAYS_AT_ONCE, &days, &n_days);
        if (r != DB_OK || n_days == 0) return r;
        uint32_t first = first_day(days, n_days, h, wanted);
        r = outcomes_backwards(s->db, a, h->ref.tenant, h->ref.member, first, h->before_day, h->before_version, wanted, rows, n);
        if (r != DB_OK) return r;
        if (*n > 0) {
            history_set(h, &(*rows)[*n - 1]);
            return DB_OK;
        }
        if (first == 0) return DB_OK;
        h->before_day = first - 1; /* all of these days were given before */
        h->before_version = UINT64_MAX;
    }
}
