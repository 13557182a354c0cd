#include "service/following.h"

enum { DAYS_MAX = 36525 }; /* no lane spans more; a damaged day must not be walked to */

/* One day's next rows, cut after the last transaction that is whole. */
static enum db_result read_day(struct db *db, struct arena *a, struct following *f, size_t limit, struct outcome_row **out, size_t *n_out,
                               bool *all) {
    for (;; limit *= 2) {
        enum db_result r = lane_clear(db, a, f->day, f->lane, f->n, limit, out, n_out);
        if (r != DB_OK) return r;
        *all = *n_out < limit;
        if (*all) return DB_OK;
        uint64_t last = (*out)[*n_out - 1].at.n;
        while (*n_out > 0 && (*out)[*n_out - 1].at.n == last) --*n_out;
        if (*n_out > 0) return DB_OK;
    }
}

enum db_result follow(struct db *db, struct arena *a, struct following *f, size_t limit, struct outcome_row **out, size_t *n_out) {
    *n_out = 0;
    if (f->to_day > f->day && f->to_day - f->day > DAYS_MAX) f->to_day = f->day + DAYS_MAX;
    while (f->day <= f->to_day && f->n < f->to_n) {
        bool all;
        enum db_result r = read_day(db, a, f, limit, out, n_out, &all);
        if (r != DB_OK) return r;
        while (*n_out > 0 && (*out)[*n_out - 1].at.n > f->to_n) --*n_out;
        if (*n_out > 0) f->n = (*out)[*n_out - 1].at.n;
        if (all) f->day++;
        if (*n_out > 0) return DB_OK;
        if (!all) break; /* what is left lies beyond to_n */
    }
    return DB_OK;
}

enum db_result first_day_kept(struct db *db, struct arena *a, uint32_t *out) {
    uint16_t lane = 0;
    *out = 0;
    enum db_result r = stripe_next(db, a, out, &lane);
    return r == DB_NOT_FOUND ? DB_OK : r;
}
