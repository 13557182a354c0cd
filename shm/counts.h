/* shm/counts.h: what workers count in the page that they share, for /metrics: plain atomic numbers that only grow. */
#ifndef SHM_COUNTS_H
#define SHM_COUNTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COUNT_ROUTES = 128,  /* [0]: addresses of no route; others: 1 + the row of the table of routes */
    COUNT_STATUSES = 32, /* [0]: those that count_statuses does not have */
    COUNT_BOUNDS = 13,
    COUNT_RESULTS = 12, /* of the database: enum db_result */
    COUNT_CACHE = 5,    /* of memcached: struct cache_counts */
    COUNT_TRIES = 12,   /* of sets: enum tried; [0]: single writes tried again */
};
extern const int count_statuses[COUNT_STATUSES];    /* from [1] on; 0 after the last */
extern const int64_t count_bounds_us[COUNT_BOUNDS]; /* a histogram's [i] has those of at most this; the last has all others */

struct route_counts {
    atomic_uint_fast64_t statuses[COUNT_STATUSES];
    atomic_uint_fast64_t durations[COUNT_BOUNDS + 1];
    atomic_uint_fast64_t duration_us; /* of all together, from being accepted to being answered */
};
struct counts {
    struct route_counts routes[COUNT_ROUTES];
    atomic_uint_fast64_t results[COUNT_RESULTS]; /* statements and COMMITs of workers by what came of them */
    atomic_uint_fast64_t connections;            /* that workers made to the database */
    atomic_uint_fast64_t cache[COUNT_CACHE];     /* calls of workers to memcached, by what came of them */
    atomic_uint_fast64_t tries[COUNT_TRIES];     /* transactions that were run again, by why */
    atomic_uint_fast64_t lines_lost;             /* of the log, that workers could not write */
};

void count_request(struct counts *c, size_t route, int status, int64_t duration_us);

#endif
