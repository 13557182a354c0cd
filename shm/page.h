/* shm/page.h: the page of memory that the master and its workers share: made by the master before it forks, gone with the last of
 * them. Plain atomic numbers, no locks: a worker may be killed at any moment.
 *
 * It can be a file that other processes read (setting page_file): then it carries what tells them whether they may. Only the master and
 * its workers write. */
#ifndef SHM_PAGE_H
#define SHM_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must.h"
#include "base/rates.h"
#include "shm/counts.h"
#include "shm/hosts.h"
#include "shm/rates.h"

/* Goes up by one with every change of what stands below: a reader that was built with another number refuses. */
enum { PAGE_LAYOUT = 7 };
#define PAGE_MAGIC "ACCOPAGE"

enum {
    PAGE_POOLS = 3,
    PAGE_SLOTS = 2 * 64 * PAGE_POOLS, /* each place of a worker twice: the old one and the new one that replaces it */
    PAGE_POOL_NAME_BYTES = 16,
    PAGE_DURATIONS = 27, /* powers of two of microseconds: the last but one ends at 33.6 s */
    PAGE_SET_SIZES = 5,  /* powers of two of requests: 1, 2, 3–4, 5–8, 9–16 */
    IN_HAND_MAX = 100,   /* events of one transaction, or requests of one set */
    SUSPECTS_MAX = 512,  /* what several workers had in hand when they died; the one that was struck longest ago makes room */
    STRIKES_MAX = 2,     /* then a suspect is refused (MECHANICS 4) */
};
#define QUARANTINE_US    INT64_C(600000000) /* 10 minutes: so long a strike counts */
#define CAREFUL_US_LEAST INT64_C(1000000)   /* so long after a strike workers take one request at a time */
#define CAREFUL_US_MOST  INT64_C(10000000)  /* and so long while some of what was struck has not come again */

/* One worker. Taken and given back by the master alone. */
struct worker_slot {
    atomic_bool taken;
    atomic_bool ready;           /* it accepts requests */
    atomic_bool in_set;          /* it works on requests, and does not wait for them */
    atomic_uint_fast32_t held;   /* connections that it has accepted and not answered */
    atomic_uint_fast32_t pool;   /* the index of its pool */
    atomic_int_fast64_t beat_us; /* clock_monotonic_us of the last sign of life */
    /* What it works on at this moment, by hashes of requests or events: suspects, should it die of it. */
    atomic_uint_fast32_t n_in_hand;
    atomic_uint_fast64_t in_hand[IN_HAND_MAX];
    atomic_bool on_trial; /* that is one thing, and it was a suspect already when it was taken in hand */
};
/* Something that a worker had in hand when it died. Struck by the master alone; a worker forgives what it has got through. */
struct suspect {
    atomic_uint_fast64_t hash; /* 0: none */
    atomic_uint_fast32_t strikes;
    atomic_int_fast64_t until_us; /* clock_monotonic_us; no suspect any more from then on */
};
/* Of the database: while it is open nobody asks the server, for one that hangs would hold up whoever does. */
struct breaker {
    atomic_bool open;
    atomic_int_fast64_t opened_us; /* clock_monotonic_us */
    atomic_int_fast64_t probe_us;  /* when a worker last went to look whether the server greets */
    atomic_uint_fast64_t trips;    /* since the page was made */
};
/* All counted since the page was made. */
struct pool_counts {
    atomic_uint_fast64_t requests, sets; /* answered */
    atomic_uint_fast64_t events;         /* settled by them, repeats and refused ones too */
    atomic_uint_fast64_t refused;        /* answers 4xx */
    atomic_uint_fast64_t failed;         /* answers 5xx */
    atomic_uint_fast64_t starts, deaths; /* of workers; deaths: nobody had asked for it */
    atomic_uint_fast64_t duration_us;    /* of all requests together, from being accepted to being answered */
    /* Of requests: [i] are those shorter than 2^i µs that are not in [i − 1]; the last has all that took longer too. */
    atomic_uint_fast64_t durations[PAGE_DURATIONS];
    /* Of sets: [i] are those of at most 2^i requests that are not in [i − 1]. */
    atomic_uint_fast64_t set_sizes[PAGE_SET_SIZES];
};
/* What the worker that last asked a server was told. */
enum probe_state { PROBE_NEVER, PROBE_OK, PROBE_AWAY, PROBE_NONE /* no such server is set */ };
struct probe {
    atomic_int_fast32_t state;
    atomic_int_fast64_t at_us; /* clock_monotonic_us */
};
struct page {
    /* written once, before anybody else can see it */
    char magic[8];
    uint32_t layout, size; /* of the whole */
    int64_t started_ms;    /* wall time */
    int64_t started_us, master;
    uint64_t salt; /* of the names of suspects */
    struct {
        char name[PAGE_POOL_NAME_BYTES];
        int64_t workers; /* wanted */
    } named[PAGE_POOLS];
    atomic_int_fast64_t beat_us;  /* of the master */
    atomic_int_fast64_t probe_us; /* when a worker last went to ask */
    struct probe database, cache;
    struct breaker breaker;
    atomic_int_fast64_t struck_us;      /* clock_monotonic_us of the last strike, 0: none */
    atomic_uint_fast32_t suspects_used; /* the places of suspects[] that were ever taken: none is the rule, and costs one look */
    struct suspect suspects[SUSPECTS_MAX];
    struct pool_counts pools[PAGE_POOLS];
    struct worker_slot slots[PAGE_SLOTS];
    struct counts counts;
    atomic_uint_fast64_t rate_refused[RATE__MAX]; /* uses that a limit refused */
    struct rate_table rates;
    struct hosts hosts;
};

/* ---- the master's ---- */

struct page_file {
    const char *path; /* "" : none, nobody else can read it */
    dev_t device;     /* of the file, to know it again */
    ino_t inode;
};
/* Zeroed but for its head. With a path it is a file beside that path (0640), which nobody finds before page_publish. NULL: errno. */
MUST_CHECK struct page *page_new(struct page_file *file, int64_t now_ms, int64_t now_us);
MUST_CHECK bool page_publish(struct page_file *file); /* in one step, over the one of a former master; false: errno */
void page_unpublish(struct page_file *file);          /* published or not; only while the file still is this page */
void page_free(struct page **page);
struct worker_slot *page_slot_take(struct page *page, size_t pool, int64_t now_us); /* NULL: all are taken */
void page_slot_give(struct worker_slot *slot);
/* A strike for what a dead worker had in hand; gives how many it has by now. A second one is only for what was on trial: several workers
 * that fall at once, each with the same request among others, say nothing of it that one of them had not said. */
unsigned page_strike(struct page *page, uint64_t hash, bool on_trial, int64_t now_us);

/* ---- the workers' ---- */

void page_beat(struct worker_slot *slot, bool in_set, int64_t now_us);
/* A set of `requests` that settled `events`; each of its requests is counted by page_count_request. */
void page_count_set(struct pool_counts *c, size_t requests, size_t events);
void page_count_request(struct pool_counts *c, int status, int64_t duration_us);
/* Whether it is this worker's turn to ask the servers: once in `every_us` for all workers together. */
MUST_CHECK bool page_probe_due(struct page *page, int64_t every_us, int64_t now_us);
void page_probed(struct probe *probe, enum probe_state state, int64_t now_us);

/* What this worker works on from now on, instead of what it said before; no hash is 0. */
void page_hold(struct worker_slot *slot, const uint64_t *hashes, size_t n, bool on_trial);
/* How many strikes something has; *left_us: for how long they count, where it has any. */
unsigned page_strikes(const struct page *page, uint64_t hash, int64_t now_us, int64_t *left_us);
/* Whether workers shall take one request at a time: one has died only just, and what it had in hand comes again soon. Together, the
 * innocent would fall once more with the guilty; one by one they get through, and then it is over. The least time is for other things of
 * the same kind, such as each event of one member. */
bool page_is_careful(const struct page *page, int64_t now_us);
void page_forgive(struct page *page, uint64_t hash); /* a worker got through it: a death with it in hand had another cause */

bool page_breaker_is_open(const struct page *page);
bool page_breaker_open(struct page *page, int64_t now_us); /* false: it was open already */
/* Whether it is this worker's turn to look: once in `every_us` for all workers together. */
MUST_CHECK bool page_breaker_due(struct page *page, int64_t every_us, int64_t now_us);
bool page_breaker_close(struct page *page); /* false: another worker has closed it */

/* ---- readers' ---- */

enum page_refusal { PAGE_FINE, PAGE_UNREADABLE /* errno */, PAGE_FOREIGN /* no page at all */, PAGE_OTHER_LAYOUT };
/* The file mapped for reading; *layout is what a PAGE_OTHER_LAYOUT has. Undone by page_free. */
MUST_CHECK enum page_refusal page_map(const char *path, struct page **out, uint32_t *layout);

#endif
