/* service/copies.h: copies in memcached of what takes several statements or much rendering (DESIGN 8): for the files of service/.
 *
 * A copy is named after the version of what it copies, and the version is read from the database first: an old copy is never asked for, and
 * none has to be invalidated. It is sealed and bound to its name: memcached holds nothing that others could read, and what others put there
 * is found to be none of ours. A copy of a member is sealed with the member's key and forgotten with it. */
#ifndef SERVICE_COPIES_H
#define SERVICE_COPIES_H

#include "service/service.h"

enum {
    COPY_LIFE_S = 600, /* nobody asks for an old version any more: it only takes room */
    COPY_FORMAT = 1,   /* of all texts below; goes up when what is rendered changes */
};

struct copy_name {
    struct str key;
    const uint8_t *sealing_key; /* SEAL_KEY_BYTES */
};
/* What stands in `what`: letters, digits and points, after the tenant's number. sealing_key NULL: it belongs to no member. */
struct copy_name copy_name_of(struct service *s, struct arena *a, tenant_id t, const uint8_t *sealing_key, struct str what);

bool copies_are_kept(const struct service *s); /* false: there is no memcached, or it does not answer: do the work at once */
MUST_CHECK bool copy_find(struct service *s, struct arena *a, const struct copy_name *name, struct str *out);
/* Of committed rows only, outside a transaction (MUST): what is rolled back would leave a copy under a version that another write gets. */
void copy_keep(struct service *s, struct arena *a, const struct copy_name *name, struct str text);

#endif
