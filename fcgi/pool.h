/* fcgi/pool.h: one pool of workers, as its master sees it: each place holds one worker, started again when it dies. */
#ifndef FCGI_POOL_H
#define FCGI_POOL_H

#include <sys/types.h>

#include "base/settings.h"
#include "fcgi/listener.h"
#include "shm/page.h"

enum { POOL_WORKERS_MAX = 64 };

struct child {
    pid_t pid; /* 0: none */
    struct worker_slot *slot;
    int64_t started_us;
    int64_t asked_us; /* told to end, 0: not */
    bool killed;      /* by us, because it hung */
};
struct place {
    struct child now, old; /* old: still answers while `now` takes its place */
    int64_t start_us;      /* not before this moment */
    int64_t delay_us;      /* the present back-off, 0: none */
};
struct pool {
    struct listener *listener; /* its name is the pool's */
    size_t n_places, requests_max;
    bool glances; /* as in struct worker_job */
    struct place places[POOL_WORKERS_MAX];
    size_t renewing; /* the place whose worker is being replaced; beyond the last: none */
    struct pool_counts *counts;
};

struct master {
    struct settings settings;
    struct arena *arena;
    struct listener listeners[PAGE_POOLS];
    struct pool pools[PAGE_POOLS];
    struct page *page;
    struct page_file page_file;
    int64_t renewed_us;  /* workers started before this are to be replaced, 0: none */
    int64_t stopping_us; /* since when, 0: not */
};

/* Looks after one pool: starts what is missing, kills what hangs, goes on with a renewal. */
void pool_tick(struct master *m, struct pool *p, int64_t now_us);
void pool_reap(struct master *m, pid_t pid, int status, int64_t now_us);
void pool_renew(struct pool *p); /* replaces all workers, one by one, each when its successor is ready */
void pool_signal(struct pool *p, int signal);
size_t pool_children(const struct pool *p);
void pool_start_draining(struct master *m, struct pool *p, int64_t now_us); /* one worker that serves what waits and ends */

#endif
