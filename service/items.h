/* service/items.h: events are settled here: one pipeline for one event and for a thousand (MECHANICS 2).
 *
 * The caller fills tenant and event of each item; settle_items does the rest: repeats, times, members, the transaction (in sets of at
 * most EVENTS_PER_SET_MAX, in the order given), retries, the unknown COMMIT, and the text of every answer. An item's failure
 * never touches another's answer; one that comes with a problem keeps it and is not settled. */
#ifndef SERVICE_ITEMS_H
#define SERVICE_ITEMS_H

#include "engine/event.h"
#include "service/service.h"

struct item {
    /* in */
    struct tenant_row tenant; /* as the front of this set read it */
    struct event event;
    bool in_array; /* a repeat says "replayed":true in its answer; all that are in_array in one call are of one request, in its order */
    int64_t deadline_us; /* of clock_monotonic_us; past it what is not committed yet gets P_UNAVAILABLE */
    /* out */
    enum problem problem; /* P_OK: `answer` is the outcome as JSON. An item that comes with a problem is left alone */
    struct faults faults;
    struct str answer;
    bool replayed;
    /* between */
    struct hash16 identity, fingerprint;
    int state;        /* of the pipeline, private */
    uint64_t suspect; /* its name in the page that workers share */
    /* out: left for settle_alone, after its neighbours' answers and in the order given: a worker has died with it in hand, or somebody has
     * it locked, or one of the same member stands before it in its array and is left itself */
    bool alone;
    struct item *same; /* an earlier item of the set with the same identity */
    const struct program *program;
    member_no member;
    uint8_t sealing_key[SEAL_KEY_BYTES];
    struct position at;   /* of the present try */
    struct position sent; /* the last one that was sent to COMMIT */
    struct outcome *outcome;
};
/* now_ms is the set's one reading of the clock. */
void settle_items(struct service *s, struct arena *a, struct item *items, size_t n, int64_t now_ms);
/* One that settle_items left: by itself, so that nobody falls or waits with it. */
void settle_alone(struct service *s, struct arena *a, struct item *item, int64_t now_ms);

/* The stored answer of an event. P_EVENT_NOT_FOUND, P_ERASED. */
MUST_CHECK enum problem event_answer(struct service *s, struct arena *a, const struct tenant_row *tenant, struct str source, struct str id,
                                     struct str *answer, struct faults *f);

#endif
