#include "shm/counts.h"

const int count_statuses[COUNT_STATUSES] = {0,   200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 410,
                                            412, 413, 414, 415, 422, 428, 429, 431, 500, 502, 503, 504};
const int64_t count_bounds_us[COUNT_BOUNDS] = {500,    1000,   2500,   5000,    10000,   25000,  50000,
                                               100000, 200000, 500000, 1000000, 2500000, 5000000};

static size_t status_index(int status) {
    for (size_t i = 1; i < COUNT_STATUSES && count_statuses[i] != 0; i++) {
        if (count_statuses[i] == status) return i;
    }
    return 0;
}

void count_request(struct counts *c, size_t route, int status, int64_t duration_us) {
    struct route_counts *r = &c->routes[route < COUNT_ROUTES ? route : 0];
    size_t i = 0;
    while (i < COUNT_BOUNDS && duration_us > count_bounds_us[i]) i++;
    atomic_fetch_add_explicit(&r->statuses[status_index(status)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->durations[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->duration_us, duration_us > 0 ? (uint64_t)duration_us : 0, memory_order_relaxed);
}
