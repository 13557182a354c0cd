/* service/upkeep.h: what the jobs do, one claimed batch per call; each may be interrupted, run twice, or run by two at once.
 *
 * P_IN_PROGRESS: a lock was waited for too long (another job, or awards under way): the caller backs off and calls again. */
#ifndef SERVICE_UPKEEP_H
#define SERVICE_UPKEEP_H

#include "service/service.h"

struct upkeep_step {
    uint64_t done;
    bool more;
};
/* Folds outcomes of the lanes into tenant-side balances; the follower's position is written in the same transaction. It stops before what
 * is damaged, P_INTERNAL with the place in the detail, after having folded the other lanes. */
MUST_CHECK enum problem rollup_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f);
/* Keeps two partitions of outcomes ahead and a MAXVALUE one. */
MUST_CHECK enum problem partitions_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f);
/* Empties identities, Idempotency-Keys and payments by age; drops partitions of outcomes that every follower has passed. Where the
 * retention of identities was raised it moves the tenants' watermarks first (MECHANICS 1, "Watermark"). */
MUST_CHECK enum problem retention_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f);

/* How late an event may be at most that a configuration lets in: identities are kept longer than that, counted by the retention that was
 * in force until now, so that a raised one counts only once the job has moved the watermarks. KEPT_LOCK, within a transaction: retention
 * waits until it ends before it looks which windows there are. */
enum kept_how { KEPT_READ, KEPT_LOCK };
MUST_CHECK enum db_result widest_window_ms(struct service *s, struct arena *a, enum kept_how how, int64_t *out);

#endif
