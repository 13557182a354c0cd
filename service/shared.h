/* service/shared.h: what one worker knows from the others of its host, through the page that they share: whether the database hangs, and
 * what workers died of (MECHANICS 4). A process without a page (commands, jobs) knows nothing of either. */
#ifndef SERVICE_SHARED_H
#define SERVICE_SHARED_H

#include "service/service.h"
#include "shm/page.h"

/* A worker shares this page with the others from now on (rate limits are counted there too); page and slot stay the caller's. */
void service_join(struct service *s, struct page *page, struct worker_slot *slot);

/* ---- the breaker: while it is open every question to the database is answered by DB_GONE at once ---- */

bool service_breaker_is_open(const struct service *s);
/* Looks, when it is this worker's turn, whether the database speaks again, and closes the breaker where it does. */
void service_breaker_look(struct service *s);

/* ---- suspects ---- */

/* A name for something that could fell a worker, never 0; the same in every worker of this page and in no other one. */
uint64_t suspect_hash(const struct service *s, const struct str *parts, size_t n);
/* What is being worked on from now on. */
void service_hold(struct service *s, const uint64_t *hashes, size_t n);
enum suspicion {
    SUSPECT_NOT,
    SUSPECT_ALONE,  /* in hand once when a worker died: worked on with nothing beside it */
    SUSPECT_REFUSED /* and again: P_QUARANTINED, said in *f */
};
enum suspicion suspect_look(struct service *s, uint64_t hash, struct faults *f);
/* It came to this end. Forgiven, unless that came before it was really tried: what was refused because the database was away, a lock was
 * held or a limit reached may fell the next worker as before. Who refused it for what it says has tried it. */
void suspect_forgive(struct service *s, uint64_t hash, enum problem end);

#endif
