/* service/audit.h: the log of administrative changes (M9), newest first. */
#ifndef SERVICE_AUDIT_H
#define SERVICE_AUDIT_H

#include "service/service.h"

/* {"data":[{"id","at","actor","action","target","member","detail"}…],"next_cursor"}; tenant 0: the operators' own. `member` is the tenant's
 * id of the member whose number the target names, looked up now: null of one that is erased, of other targets, and without `members`. */
MUST_CHECK enum problem audit_read(struct service *s, struct arena *a, tenant_id t, bool members, struct str cursor, size_t limit,
                                   struct str *out, struct faults *f);

#endif
