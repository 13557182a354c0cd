/* jobs/jobs.h: scheduled work by name, in claimed batches until nothing is left (DESIGN 10).
 *
 * Every job may be interrupted and run again, and two at once do no harm: each batch is a transaction of its own in service/upkeep.h. */
#ifndef JOBS_JOBS_H
#define JOBS_JOBS_H

#include "service/upkeep.h"

struct job {
    const char *name; /* as the command line and timers call it */
    const char *done; /* what the number of its result counts */
    enum problem (*step)(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f);
};
const struct job *job_find(const char *name); /* NULL: there is none */

/* Runs to the end. progress is told the number done so far after each batch; NULL: nobody. *done counts also where it ends with a problem.
 */
MUST_CHECK enum problem job_run(struct service *s, const struct job *job, void (*progress)(void *ctx, uint64_t done), void *ctx,
                                uint64_t *done, struct faults *f);

#endif
