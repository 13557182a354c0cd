/* service/metrics.h: what all workers of this host have counted together, in the text format of Prometheus (M11, /metrics). Names, labels
 * and buckets are documented in docs/OPERATIONS.md and do not change. */
#ifndef SERVICE_METRICS_H
#define SERVICE_METRICS_H

#include "service/service.h"

struct metric_route {
    const char *method, *name;
};
/* routes: the rows of the table, in order. */
struct str metrics_render(struct service *s, struct arena *a, const struct metric_route *routes, size_t n);

/* Adds what this process's connection has met since the last call to what all have counted; of a worker, after each set. */
void metrics_tell(struct service *s);

#endif
