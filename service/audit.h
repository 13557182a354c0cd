/* service/audit.h: the log of administrative changes (M9), newest first. */
#ifndef SERVICE_AUDIT_H
#define SERVICE_AUDIT_H

#include "service/service.h"

/* {"data":[{"id","at","actor","action","target","detail"}…],"next_cursor"}; tenant 0: the operators' own. */
MUST_CHECK enum problem audit_read(struct service *s, struct arena *a, tenant_id t, struct str cursor, size_t limit, struct str *out,
                                   struct faults *f);

#endif
