#include "service/items.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "service/inside.h"
#include "service/set.h"
#include "service/shared.h"
#include "sql/members.h"

enum {
    TRIES_MAX = 3,       /* 1213, 1020, a lost lane: the same set again (MECHANICS 2) */
    BUSY_TRIES_MAX = 2,  /* a single item that has waited twice for a lock gets 409 (SEMANTICS 3) */
    JITTER_US_MAX = 5000 /* keeps two workers from colliding in step */
};

void item_done(struct item *item, enum problem p) {
    item->state = ITEM_DONE;
    item->problem = p;
}

static bool is_over(const struct item *item) { return item->state == ITEM_DONE || item->state == ITEM_LATER; }

static void give_up(struct set *set, enum problem p, int64_t retry_after, const char *why) {
    for (size_t i = 0; i < set->n; i++) {
        struct item *item = set->items[i];
        if (is_over(item)) continue;
        item->faults.retry_after = retry_after;
        if (p != P_INTERNAL) fault_say(&item->faults, p, "%s", why);
        item_done(item, p);
    }
}

/* Each item has the deadline of its own request: one that came first takes nobody with it. */
static void give_up_late(struct set *set) {
    int64_t now_us = clock_monotonic_us();
    for (size_t i = 0; i < set->n; i++) {
        struct set one = {.items = &set->items[i], .n = 1};
        if (now_us < set->items[i]->deadline_us) continue;
        give_up(&one, P_UNAVAILABLE, 1, "the request could not be finished in time; send the same request again");
    }
}

static void pause_a_little(int try) {
    uint16_t random;
    crypto_random(&random, sizeof random);
    struct timespec t = {.tv_nsec = (long)(random % JITTER_US_MAX) * 1000 * try};
    nanosleep(&t, NULL);
}

static void run(struct set *set);

/* Parts of the set by themselves, in order. */
static void run_parts(struct set *set, size_t size) {
    for (size_t at = 0; at < set->n; at += size) {
        struct set part = *set;
        part.items = set->items + at;
        part.n = set->n - at < size ? set->n - at : size;
        run(&part);
    }
}

static size_t left(const struct set *set) {
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++) n += !is_over(set->items[i]);
    return n;
}

/* Before anything is done with them: should the worker die of one, it is one of these. */
static void hold(struct set *set) {
    uint64_t hashes[EVENTS_PER_SET_MAX];
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++) {
        if (!is_over(set->items[i])) hashes[n++] = set->items[i]->suspect;
    }
    service_hold(set->s, hashes, n);
}

static enum tried try_once(struct set *set) {
    hold(set);
    enum tried t = set_front(set);
    return t == TRIED_DONE && left(set) > 0 ? set_transaction(set) : t;
}

/* Leaves an item for settle_alone, and whatever its array says of the same member after it: those may not overtake it
 * (SEMANTICS 6). Requests of one item have no order among them. */
static void leave(const struct set *set, struct item *item, enum item_state state) {
    item->alone = true;
    item->state = (int)state;
    for (struct item *next = item + 1; item->in_array && next < set->all + set->n_all; next++) {
        if (is_over(next) || next->alone || !str_eq(next->event.member, item->event.member)) continue;
        next->alone = true;
        next->state = (int)state;
    }
}

/* Those that somebody has locked at this moment leave the set: only they wait again, when all others have their answers. Where nobody is
 * found (the lock is of another kind, or just gone) the set stays as it is. */
static void put_off_locked(struct set *set) {
    struct db *db = set->s->db;
    for (size_t i = 0; i < set->n; i++) {
        struct item *item = set->items[i];
        if (is_over(item)) continue;
        struct identity_row row = {.tenant = item->tenant.id, .identity = item->identity};
        enum db_result r = identity_try_lock(db, set->a, &row);
        if (r == DB_OK && item->member.v != 0) r = state_try_lock(db, set->a, (struct member_ref){item->tenant.id, item->member});
        if (r != DB_OK && r != DB_BUSY) return; /* the next try meets it again */
        if (r == DB_BUSY) leave(set, item, ITEM_LATER);
    }
}

/* Runs a set to its end: every item is ITEM_DONE or ITEM_LATER afterwards. */
static void run(struct set *set) {
    int again = 0, lost = 0, busy = 0;
    size_t less = 0;
    for (give_up_late(set); left(set) > 0; give_up_late(set)) {
        for (size_t i = 0; i < set->n; i++) {
            if (!is_over(set->items[i])) set->items[i]->state = ITEM_NEW;
        }
        enum tried t = try_once(set);
        if (t != TRIED_DONE) db_rollback(set->s->db);
        if (t > TRIED_LESS) service_count_retry(set->s, t);
        switch (t) {
        case TRIED_DONE: break;
        case TRIED_LESS: /* each item may leave the set once */
            if (++less > set->n + 1) give_up(set, P_UNAVAILABLE, 1, "the same events are sent all the time; send the same request again");
            break;
        case TRIED_AGAIN:
            if (++again <= TRIES_MAX) {
                pause_a_little(again);
            } else if (set->n > 1) {
                run_parts(set, (set->n + 1) / 2);
            } else {
                give_up(set, P_UNAVAILABLE, 1, "the same rows are being changed all the time; send the same request again");
            }
            break;
        case TRIED_LOST:
            if (++lost > 1) give_up(set, P_UNAVAILABLE, 1, "the database is not available; send the same request again");
            break;
        case TRIED_UNKNOWN:
            lane_forget(set->s);
            if (set->n > 1) {
                run_parts(set, 1);
            } else if (++lost > 2) {
                give_up(set, P_UNAVAILABLE, 1, "the database is not available; send the same request again");
            }
            break;
        case TRIED_BUSY: /* only what is blocked waits again (docs/adr) */
            if (set->n > 1 && !set->waited) {
                set->waited = true;
                put_off_locked(set);
            } else if (set->n > 1) {
                run_parts(set, 1);
            } else if (++busy + set->waited >= BUSY_TRIES_MAX) {
                give_up(set, P_IN_PROGRESS, 1, "the same event or member is being worked on elsewhere; send the same request again");
            }
            break;
        case TRIED_FAULT:
            if (set->n > 1) {
                run_parts(set, (set->n + 1) / 2);
            } else {
                give_up(set, P_INTERNAL, 0, "");
            }
            break;
        }
    }
}

/* ---- the whole of a request, or of all requests that were taken at once ---- */

static int by_identity(const struct item *a, const struct item *b) {
    if (a->tenant.id.v != b->tenant.id.v) return a->tenant.id.v < b->tenant.id.v ? -1 : 1;
    return memcmp(a->identity.b, b->identity.b, HASH16_BYTES);
}

static void prepare(struct service *s, struct arena *a, struct item *item) {
    item->same = NULL;
    if (item->problem != P_OK) { /* refused by the caller already */
        item->state = ITEM_DONE;
        return;
    }
    const struct tenant_keys *k = service_tenant_keys(s, item->tenant.id);
    const struct event *e = &item->event;
    item->identity = identity_of(&k->identity, e->source, e->id);
    item->fingerprint = event_fingerprint(&k->identity, a, e->type, e->member, e->time_sent ? e->time_ms : -1, e->data);
    item->faults = faults_new(a);
    item->state = ITEM_NEW;
    memcpy(&item->suspect, item->identity.b, sizeof item->suspect); /* a keyed hash already */
    item->suspect |= 1;
    enum suspicion suspicion = suspect_look(s, item->suspect, &item->faults);
    item->alone = suspicion == SUSPECT_ALONE;
    if (suspicion == SUSPECT_REFUSED) item_done(item, P_QUARANTINED);
}

/* An open-addressed table of the identities seen: equal ones are folded before the database is asked, or left with the first. */
static void fold(const struct set *all) {
    size_t slots = 16;
    while (slots < all->n_all * 2) slots *= 2;
    struct item **table = NEW_ARRAY(all->a, struct item *, slots);
    for (struct item *item = all->all; item < all->all + all->n_all; item++) {
        if (item->state == ITEM_DONE) continue;
        uint64_t h;
        memcpy(&h, item->identity.b, sizeof h);
        size_t at = (h ^ item->tenant.id.v) & (slots - 1);
        while (table[at] != NULL && by_identity(table[at], item) != 0) at = (at + 1) & (slots - 1);
        if (table[at] == NULL) {
            table[at] = item;
        } else if (!item->alone && table[at]->alone) {
            leave(all, item, table[at]->state);
        } else if (!item->alone) {
            item->same = table[at];
        }
    }
}

/* What an item that was folded gets: the answer of the first, as a repeat, or its trouble. An event of other content is refused only
 * where the first stands by now; else it stays to be settled for itself. */
static void unfold(const struct set *all, struct item *item) {
    const struct item *first = item->same;
    item->same = NULL;
    if (first->state == ITEM_LATER) {
        leave(all, item, ITEM_LATER);
        return;
    }
    bool equal = memcmp(&first->fingerprint, &item->fingerprint, sizeof item->fingerprint) == 0;
    if (equal) {
        item->faults = first->faults;
        item->replayed = first->problem == P_OK;
        item_done(item, first->problem);
        if (first->problem == P_OK) {
            item->program = first->program;
            item->outcome = first->outcome;
            item_answer(item, all->a, item->program, item->outcome, true);
        }
    } else if (first->problem == P_OK) {
        fault_say(&item->faults, P_EVENT_REUSED, "another event with this source and id was settled just before, and has other content");
        item_done(item, P_EVENT_REUSED);
    }
}

/* Every identity that is left and need not wait, once, in sets; then those that were folded. Gives how many are still to be done. */
static size_t pass(const struct set *all) {
    struct item *items = all->all, **todo = NEW_ARRAY(all->a, struct item *, all->n_all);
    size_t n = all->n_all, n_todo = 0, n_left = 0;
    fold(all);
    for (size_t i = 0; i < n; i++) {
        if (items[i].same == NULL && items[i].state != ITEM_DONE && !items[i].alone) todo[n_todo++] = &items[i];
    }
    for (size_t at = 0; at < n_todo; at += EVENTS_PER_SET_MAX) {
        struct set set = *all;
        set.items = todo + at;
        set.n = n_todo - at < EVENTS_PER_SET_MAX ? n_todo - at : EVENTS_PER_SET_MAX;
        run(&set);
    }
    for (size_t i = 0; i < n; i++) {
        if (items[i].same != NULL) unfold(all, &items[i]);
        n_left += items[i].state != ITEM_DONE && !items[i].alone;
    }
    return n_left;
}

void settle_items(struct service *s, struct arena *a, struct item *items, size_t n, int64_t now_ms) {
    const struct set all = {.s = s, .a = a, .all = items, .n_all = n, .now_ms = now_ms};
    for (size_t i = 0; i < n; i++) prepare(s, a, &items[i]);
    for (size_t i = 0; i < n; i++) {
        if (items[i].alone && items[i].state != ITEM_DONE) leave(&all, &items[i], ITEM_NEW);
    }
    while (pass(&all) > 0) continue; /* each pass ends one item of each identity at least */
}

void settle_alone(struct service *s, struct arena *a, struct item *item, int64_t now_ms) {
    struct set set = {.s = s, .a = a, .items = &item, .n = 1, .now_ms = now_ms, .waited = item->state == ITEM_LATER};
    if (item->state == ITEM_LATER) item->state = ITEM_NEW;
    run(&set);
    suspect_forgive(s, item->suspect, item->problem);
}
