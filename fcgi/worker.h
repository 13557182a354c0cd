/* fcgi/worker.h: one worker: a single-threaded process that takes what waits, serves it as one set, and answers. */
#ifndef FCGI_WORKER_H
#define FCGI_WORKER_H

#include <sys/types.h>

#include "base/settings.h"
#include "shm/page.h"

struct worker_job {
    const struct settings *settings;
    const char *pool;
    int listener;
    size_t requests_max; /* taken at once */
    bool glances;        /* at once are taken only those that read at a glance, and one other after them */
    bool draining;       /* serves what waits and ends */
    pid_t master;
    struct page *page;
    struct worker_slot *slot;
    struct pool_counts *counts;
};

/* Runs until it is told to end: SIGTERM: after the backlog is empty, or drain_ms; SIGHUP: after the requests that it has accepted;
 * or until the master is gone. Called with these signals blocked. Gives the exit status. */
int worker_run(const struct worker_job *job);

#endif
