/* service/config.h: a tenant's configuration as one document: exported, validated, applied all or nothing (SEMANTICS 25). */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include "engine/config.h"
#include "service/service.h"

enum change_made { CHANGE_CREATED, CHANGE_CHANGED, CHANGE_DELETED };
struct config_change {
    enum change_made what;
    struct str kind, code;
    struct str before, after; /* definition texts, "" where there is none */
};
struct config_result {
    uint64_t version; /* after; unchanged where nothing differs */
    struct config_change *changes;
    size_t n_changes;
};

/* {"version":7,"definitions":[…]} */
MUST_CHECK enum problem config_export(struct service *s, struct arena *a, tenant_id t, uint64_t version, struct str *out, struct faults *f);
/* Compiles the document as the tenant's next version without writing anything; gives what would change. */
MUST_CHECK enum problem config_plan(struct service *s, struct arena *a, tenant_id t, const struct json *document, struct config_result *out, struct faults *f);
/* The whole: what is absent is deleted. from: the version it was made from; another one by now is P_VERSION. Checks the late window against
 * the retention of identities. The next event of any worker uses it. */
MUST_CHECK enum problem config_apply(struct service *s, struct arena *a, tenant_id t, uint64_t from, const struct json *document, struct str actor,
                                     int64_t now_ms, struct config_result *out, struct faults *f);

struct tenant_made { struct tenant_row tenant; struct config_result config; };
/* preset: NULL or a configuration document. The watermark is now minus its window. DB conflict: P_VALIDATION with a pointer to /code. */
MUST_CHECK enum problem tenant_create(struct service *s, struct arena *a, struct str code, const struct json *preset, struct str actor, int64_t now_ms,
                                      struct tenant_made *out, struct faults *f);
MUST_CHECK enum problem tenant_find(struct service *s, struct arena *a, struct str code, struct tenant_row *out, struct faults *f);
MUST_CHECK enum problem tenants_all(struct service *s, struct arena *a, struct tenant_row **out, size_t *n, struct faults *f);
MUST_CHECK enum problem tenant_suspend(struct service *s, struct arena *a, tenant_id t, bool suspended, struct faults *f);

#endif
