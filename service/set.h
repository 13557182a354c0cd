/* service/set.h: one set of items on its way through one transaction; for items.c, set.c and answers.c alone.
 *
 * items.c decides what is tried, halved and given up; set.c is the front and the transaction of MECHANICS 2; answers.c finds and
 * renders what was settled before. */
#ifndef SERVICE_SET_H
#define SERVICE_SET_H

#include "service/items.h"

enum item_state {
    ITEM_NEW,     /* to be settled */
    ITEM_DONE,    /* has its answer or its problem */
    ITEM_SETTLED, /* written in the present transaction: done when that commits */
    ITEM_LATER,   /* somebody else has it or its member locked, or had when an earlier one was tried: left for settle_alone */
    ITEM_REPEAT,  /* the identity was found to belong to somebody else's transaction: answered after the commit */
};

struct set {
    struct service *s;
    struct arena *a;
    struct item **items; /* in the order of the caller; those not ITEM_NEW are passed over */
    size_t n;
    struct item *all; /* of the whole request, or of all requests taken at once */
    size_t n_all;
    int64_t now_ms;
    bool waited; /* one of these items has waited for a lock once, in this set or a larger one */
};

/* What came of one try. */
enum tried {
    TRIED_DONE,    /* every item is ITEM_DONE */
    TRIED_LESS,    /* some items have left the set: the rest again */
    TRIED_AGAIN,   /* the same items again: a member has changed, the lane was lost, a deadlock */
    TRIED_LOST,    /* the connection is gone and nothing was done: connect and try once more */
    TRIED_UNKNOWN, /* COMMIT has no answer: one by one, the identities decide */
    TRIED_BUSY,    /* a lock was waited for too long: without those that are locked */
    TRIED_FAULT,   /* the database refused something: halve */
};

/* Front b and c: repeats and what is out of time leave the set (ITEM_DONE), members are found or made. */
enum tried set_front(struct set *set);
/* BEGIN … COMMIT. After TRIED_DONE outcomes are committed and rendered, repeats answered. */
enum tried set_transaction(struct set *set);

enum tried tried_of(enum db_result r);
/* SEMANTICS 4: P_TOO_LATE, P_TOO_EARLY. The time of an event that came without one is the moment of its first receipt: it is set. pointer:
 * of the event in its document. */
MUST_CHECK enum problem event_time_check(struct arena *a, const struct program *p, const struct tenant_row *tenant, struct event *e,
                                         struct str pointer, int64_t now_ms, struct faults *f);
void item_done(struct item *item, enum problem p);
/* The first answer of an item whose identity was found; compares fingerprints. DB_OK: the item is done, in whatever way. */
enum db_result repeats_answer(struct set *set, struct item *const *items, const struct identity_row *found, size_t n);
/* Renders an item's own outcome. */
void item_answer(struct item *item, struct arena *a, const struct program *p, const struct outcome *o, bool replayed);

#endif
