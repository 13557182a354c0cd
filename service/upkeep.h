/* service/upkeep.h: what the jobs do, one claimed batch per call; each may be interrupted, run twice, or run by two at once. */
#ifndef SERVICE_UPKEEP_H
#define SERVICE_UPKEEP_H

#include "service/service.h"

struct upkeep_step { uint64_t done; bool more; };
/* Folds outcomes of the lanes into tenant-side balances; the follower's position is written in the same transaction. */
MUST_CHECK enum problem rollup_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f);
/* Keeps two partitions of outcomes ahead and a MAXVALUE one. */
MUST_CHECK enum problem partitions_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f);
/* Empties identities, Idempotency-Keys and payments by age; drops partitions of outcomes that every follower has passed. */
MUST_CHECK enum problem retention_step(struct service *s, struct arena *a, int64_t now_ms, struct upkeep_step *out, struct faults *f);

#endif
