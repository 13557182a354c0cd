#include "jobs/jobs.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"

enum {
    TRIES_MAX = 8,
    PAUSE_MS = 100,       /* after a deadlock or a lost connection */
    PAUSE_BUSY_MS = 2000, /* after a lock: while a table is altered, awards wait behind it, for up to 2 s each time (MariaDB 10.11) */
    PAUSE_MS_MAX = 8000,
};

static const struct job jobs[] = {
    {"roll-up", "outcomes folded", rollup_step},
    {"partitions", "partitions made", partitions_step},
    {"retention", "rows and partitions removed", retention_step},
};

const struct job *job_find(const char *name) {
    for (size_t i = 0; i < COUNT(jobs); i++) {
        if (strcmp(jobs[i].name, name) == 0) return &jobs[i];
    }
    return NULL;
}

/* Each pause is twice the one before, so that others get in between. */
static void back_off(int64_t ms, int try) {
    for (; try > 0 && ms < PAUSE_MS_MAX; try--) ms *= 2;
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* One batch; what may pass by itself is tried again. */
static enum problem run_step(struct service *s, const struct job *job, struct upkeep_step *step, struct faults *f) {
    struct arena *a = arena_new();
    enum problem p = P_OK;
    for (int try = 0; try < TRIES_MAX; try++) {
        if (try > 0) back_off(p == P_IN_PROGRESS ? PAUSE_BUSY_MS : PAUSE_MS, try - 1);
        arena_reset(a);
        struct faults faults = faults_new(f->arena);
        p = job->step(s, a, clock_now_ms(), step, &faults);
        *f = faults;
        if (p != P_IN_PROGRESS && p != P_UNAVAILABLE) break;
    }
    if (f->detail.n > 0) f->detail = str_copy(f->arena, f->detail);
    arena_free(&a);
    return p;
}

enum problem job_run(struct service *s, const struct job *job, void (*progress)(void *ctx, uint64_t done), void *ctx, uint64_t *done,
                     struct faults *f) {
    enum problem p = P_OK;
    *done = 0;
    for (bool more = true; more && p == P_OK;) {
        struct upkeep_step step = {0};
        p = run_step(s, job, &step, f);
        *done += step.done;
        more = step.more;
        if (progress != NULL) progress(ctx, *done);
    }
    return p;
}
